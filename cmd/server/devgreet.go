package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// greet tells a newcomer where everything is.
func (d *dev) greet(w io.Writer) {
	c := d.app.config
	fmt.Fprintf(w, "\n  Ostiary %s is running. Ctrl+C stops it; everything is kept.\n\n", version)
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	row := func(name, value string) { fmt.Fprintf(t, "  %s\t%s\n", name, value) }
	row("issuer", c.Issuer)
	row("discovery", c.URL("/.well-known/openid-configuration"))
	if d.setupURL != "" {
		row("set-up", d.setupURL)
		row("", "makes the first administrator; good once, for 30 minutes")
	} else {
		row("set-up", "done: there is an administrator")
	}
	row("demo app", d.demoURL)
	row("", "sign in as "+d.person.Username+" with the password "+d.person.Password)
	row("mail", d.demoURL+"/mail/ (catches what is sent to smtp://"+d.mail.Addr().String()+")")
	row("admin", "http://"+d.admin.Addr().String()+"/health/ready")
	row("data", shown(d.data.dir)+" (the demo person's password is in demo_person.json)")
	row("commands", "ostiary --config "+shown(d.data.path("config.yaml"))+" clients list")
	_ = t.Flush() // to a terminal that may be gone
	fmt.Fprintln(w)
}
