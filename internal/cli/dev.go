package cli

import (
	"context"

	"github.com/ostiary/ostiary/internal/dev"
)

// devCommand runs the server without configuration.
type devCommand struct {
	Data        string `help:"Directory of the database and all other data (${default})." default:"./.ostiary" placeholder:"DIR" type:"path"`
	Listen      string `help:"Address of the public listener (${default})." default:"localhost:4444" placeholder:"HOST:PORT"`
	AdminListen string `help:"Address of the admin listener (${default})." default:"127.0.0.1:4445" placeholder:"HOST:PORT"`
	DemoListen  string `help:"Address of the demo application (${default})." default:"localhost:5555" placeholder:"HOST:PORT"`
	MailListen  string `help:"SMTP address of the mail catcher (${default})." default:"127.0.0.1:1025" placeholder:"HOST:PORT"`
	Clients     string `help:"Import clients from this JSON file." placeholder:"FILE" type:"existingfile"`
	Users       string `help:"Import users from this JSON file." placeholder:"FILE" type:"existingfile"`
	Issuer      string `help:"The public URL, or only a path, as in /auth (http://localhost and the port of --listen)." placeholder:"URL"`
	TLS         bool   `help:"Serve https with a self-signed certificate for localhost." name:"tls"`
	MTLS        bool   `help:"Also serve a listener that asks clients for a certificate." name:"mtls"`
	MTLSListen  string `help:"Address of that listener (${default})." default:"localhost:4446" placeholder:"HOST:PORT" name:"mtls-listen"`
}

// Run serves until ctx ends.
func (cmd *devCommand) Run(ctx context.Context, s Streams, c *commandLine) error {
	return dev.Run(ctx, dev.Options{
		Data: cmd.Data, Listen: cmd.Listen, AdminListen: cmd.AdminListen, DemoListen: cmd.DemoListen, MailListen: cmd.MailListen,
		Clients: cmd.Clients, Users: cmd.Users, Issuer: cmd.Issuer, TLS: cmd.TLS, MTLS: cmd.MTLS, MTLSListen: cmd.MTLSListen,
		Config: c.Config, Set: c.Set, Out: s.Out, Err: s.Err, Version: c.version,
	})
}
