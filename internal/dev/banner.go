package dev

import (
	"io"
	"os"
	"strings"
)

// greet tells a newcomer where everything is.
func (d *devServer) printBanner(w io.Writer) {
	c := d.server.Config
	var text strings.Builder
	text.WriteString("\n  Ostiary " + d.Version + " is running. Ctrl+C stops it; everything is kept.\n\n")
	row := func(name, value string) {
		text.WriteString("  " + name + strings.Repeat(" ", 12-len(name)) + value + "\n")
	}
	row("issuer", c.Issuer)
	row("discovery", c.URL("/.well-known/openid-configuration"))
	if d.setupURL != "" {
		row("set-up", d.setupURL)
		row("", "makes the first administrator; good once, for 30 minutes")
	} else {
		row("set-up", "done: there is an administrator")
	}
	row("demo app", d.demoURL)
	row("", "sign in as "+d.demoUser.Username+" with the password "+d.demoUser.Password)
	if c.SignUp {
		row("", "or create an account on the way")
	}
	if d.mailListener != nil {
		row("mail", d.demoURL+"/mail/ (catches what is sent to smtp://"+d.mailListener.Addr().String()+")")
	} else {
		row("mail", "off: "+d.MailListen+" is taken; --mail-listen chooses another address")
	}
	row("health", "http://"+d.adminListener.Addr().String()+"/health/ready")
	row("data", relativePath(d.data.dir)+" (the demo person's password is in demo_person.json)")
	row("commands", commandName()+" --config "+relativePath(d.data.path("config.yaml"))+" clients list")
	_, _ = io.WriteString(w, text.String()+"\n") // to a terminal that may be gone
}

// command is what the newcomer typed to get here. What go run builds is gone
// when it ends, so for that it is the command itself, as the README has it.
func commandName() string {
	if strings.Contains(os.Args[0], "go-build") {
		return "go run ./cmd/server"
	}
	return os.Args[0]
}
