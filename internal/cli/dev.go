package cli

import (
	"context"

	"github.com/ostiary/ostiary/internal/dev"
)

// devCommand runs with nothing configured.
type devCommand struct {
	Data        string `help:"Keep everything in this folder (${default})." default:"./.ostiary" placeholder:"DIR" type:"path"`
	Listen      string `help:"Where people and clients connect (${default})." default:"localhost:4444" placeholder:"HOST:PORT"`
	AdminListen string `help:"Where health and the administrators' API listen (${default})." default:"127.0.0.1:4445" placeholder:"HOST:PORT"`
	DemoListen  string `help:"Where the demo application listens (${default})." default:"localhost:5555" placeholder:"HOST:PORT"`
	MailListen  string `help:"Where the mail catcher takes mail by SMTP (${default})." default:"127.0.0.1:1025" placeholder:"HOST:PORT"`
	Clients     string `help:"Import clients from this JSON file." placeholder:"FILE" type:"existingfile"`
	Users       string `help:"Import people from this JSON file." placeholder:"FILE" type:"existingfile"`
	Issuer      string `help:"The public URL, or a path alone, as in /auth, for one of this machine (http://localhost and the port of --listen)." placeholder:"URL"`
	TLS         bool   `help:"Serve https with a certificate made for localhost." name:"tls"`
}

// Run serves until the process is asked to stop.
func (cmd *devCommand) Run(ctx context.Context, s Streams, c *commandLine) error {
	return dev.RunDev(ctx, dev.DevOptions{
		Data: cmd.Data, Listen: cmd.Listen, AdminListen: cmd.AdminListen, DemoListen: cmd.DemoListen, MailListen: cmd.MailListen,
		Clients: cmd.Clients, Users: cmd.Users, Issuer: cmd.Issuer, TLS: cmd.TLS,
		Config: c.Config, Set: c.Set, Out: s.Out, Err: s.Err, Version: c.version,
	})
}
