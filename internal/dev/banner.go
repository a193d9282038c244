package dev

import (
	"io"
	"os"
	"strings"
)

// printBanner prints the addresses and the next steps.
func (d *devServer) printBanner(w io.Writer) {
	c := d.server.Config
	var text strings.Builder
	text.WriteString("\n  Ostiary " + d.Version + " is running. Press Ctrl+C to stop; the data is kept.\n\n")
	row := func(name, value string) {
		text.WriteString("  " + name + strings.Repeat(" ", 12-len(name)) + value + "\n")
	}
	row("issuer", c.Issuer)
	row("discovery", c.URL("/.well-known/openid-configuration"))
	if d.setupURL != "" {
		row("set-up", d.setupURL)
		row("", "creates the first administrator; valid once, for 30 minutes")
	} else {
		row("set-up", "done: an administrator exists")
	}
	if root := c.ConsoleRoot(); root != "" {
		row("console", root+" (for administrators)")
	}
	row("demo app", d.demoURL)
	row("", "sign in as "+d.demoUser.Username+" with the password "+d.demoUser.Password)
	if c.SignUp.ByThemselves() {
		row("", "or create an account when you sign in")
	}
	if d.mailListener != nil {
		row("mail", d.demoURL+"/mail/ (shows messages sent to smtp://"+d.mailListener.Addr().String()+")")
	} else {
		row("mail", "off: "+d.MailListen+" is in use; choose another address with --mail-listen")
	}
	if d.MTLS {
		row("mTLS", c.MutualTLSURL("/oauth2/token")+" and the other mtls_endpoint_aliases ask for a certificate")
	}
	row("health", "http://"+d.adminListener.Addr().String()+"/health/ready")
	row("data", relativePath(d.data.dir)+" (the password of the demo user is in demo_person.json)")
	row("commands", commandName()+" --config "+relativePath(d.data.path("config.yaml"))+" clients list")
	_, _ = io.WriteString(w, text.String()+"\n") // the terminal may be closed
}

// commandName returns how to call ostiary: its path or, under go run, whose binary is
// temporary, the go command.
func commandName() string {
	if strings.Contains(os.Args[0], "go-build") {
		return "go run ./cmd/server"
	}
	return os.Args[0]
}
