package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/lmittmann/tint"

	"github.com/ostiary/ostiary/cmd/server/demo"
	"github.com/ostiary/ostiary/cmd/server/mailcatcher"
	"github.com/ostiary/ostiary/internal/config"
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

// dev is a running development server.
type dev struct {
	*devCommand

	app                       *app
	data                      *folder
	public, admin, shop, mail net.Listener
	demoURL                   string
	demo                      demoClient
	person                    demoPerson
	setupURL                  string // empty once there is an administrator
	noMail                    error  // why there is no mail catcher
}

// Run serves until the process is asked to stop.
func (cmd *devCommand) Run(ctx context.Context, s streams, c *cli) error {
	d := &dev{devCommand: cmd}
	var err error
	if d.data, err = openFolder(cmd.Data); err != nil {
		return err
	}
	if err := d.bind(ctx); err != nil {
		return err
	}
	conf, err := d.configure(c)
	if err != nil {
		return err
	}
	log := slog.New(tint.NewTextHandler(s.err, &tint.Options{Level: conf.LogLevel, TimeFormat: "15:04:05", NoColor: !terminal(s.err)}))
	if d.noMail != nil {
		log.LogAttrs(ctx, slog.LevelWarn, "mail catcher is off: its port is taken; --mail-listen chooses another",
			slog.String("address", cmd.MailListen))
	}
	db, err := openStore(ctx, conf, log)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.Migrate(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if d.app, err = newApp(ctx, conf, db, log, now); err != nil {
		return err
	}
	if err := d.furnish(ctx); err != nil {
		return err
	}
	listeners, err := d.handlers(ctx)
	if err != nil {
		return err
	}
	d.greet(s.out)
	return d.app.serve(ctx, listeners)
}

// bind opens all listeners before anything is written, so that a port in use
// changes nothing. Port 0 takes a free one.
func (d *dev) bind(ctx context.Context) error {
	var faults []error
	open := func(flag, address string) net.Listener {
		l, err := listenLoopback(ctx, address)
		if err != nil {
			faults = append(faults, fmt.Errorf("--%s: %w", flag, err))
		}
		return l
	}
	d.public = open("listen", d.Listen)
	d.admin = open("admin-listen", d.AdminListen)
	d.shop = open("demo-listen", d.DemoListen)
	// Nothing needs the mail catcher, and its port is that of others: so it gives way.
	if d.mail, d.noMail = listenLoopback(ctx, d.MailListen); d.noMail != nil && !errors.Is(d.noMail, syscall.EADDRINUSE) {
		faults = append(faults, fmt.Errorf("--mail-listen: %w", d.noMail))
	}
	if len(faults) > 0 {
		return fmt.Errorf("%w\nIs ostiary dev running already? The flags choose other addresses, and port 0 a free one", errors.Join(faults...))
	}
	d.demoURL = "http://localhost:" + port(d.shop)
	return nil
}

// listenLoopback listens on an address that nobody else can reach: what dev
// makes up is not fit for others.
func listenLoopback(ctx context.Context, address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("%s is not HOST:PORT", address)
	}
	if addr, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !addr.IsLoopback()) {
		return nil, fmt.Errorf("dev serves this machine alone, and %s is not a loopback address; use serve", address)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return l, nil
}

func port(l net.Listener) string {
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return ""
	}
	return strconv.Itoa(addr.Port)
}

// configure lays dev's defaults under what file, environment and flags say, and
// writes them down so that other commands can work on the same data.
func (d *dev) configure(c *cli) (*config.Config, error) {
	secret, err := d.data.secret("system_secret")
	if err != nil {
		return nil, err
	}
	scheme := "http"
	defaults := map[string]string{
		"database_url": "sqlite:" + d.data.path("ostiary.db"), "system_secrets": secret,
		"registration": "open", "sign_up": "on", "shutdown_delay": "0s",
		"listen": d.public.Addr().String(), "admin_listen": d.admin.Addr().String(),
	}
	if d.TLS {
		scheme = "https"
		cert, key, err := d.data.certificate()
		if err != nil {
			return nil, err
		}
		defaults["tls_cert_file"], defaults["tls_key_file"] = cert, key
	}
	defaults["issuer"] = d.issuer(scheme)
	conf, err := config.Load(config.Sources{
		Defaults: defaults, File: c.Config, Environ: os.Environ(), Override: c.Set, Require: config.ServeRequires(),
	})
	if err != nil {
		return nil, err
	}
	return conf, d.data.writeConfig(conf.Issuer)
}

// issuer returns the public URL that the flags say.
func (d *dev) issuer(scheme string) string {
	if d.Issuer != "" && !strings.HasPrefix(d.Issuer, "/") {
		return d.Issuer
	}
	return scheme + "://localhost:" + port(d.public) + d.Issuer
}

// handlers returns what answers on each listener.
func (d *dev) handlers(ctx context.Context) ([]bound, error) {
	a := d.app
	client, err := d.data.httpClient(d.TLS)
	if err != nil {
		return nil, err
	}
	shop, err := demo.New(demo.Config{
		Issuer: a.config.Issuer, ClientID: d.demo.ID, ClientSecret: d.demo.Secret,
		BaseURL: d.demoURL, HTTPClient: client, MailPath: "/mail/", Log: a.log, Now: now,
		Hint: "Sign in as " + d.person.Username + " with the password " + d.person.Password,
	})
	if err != nil {
		return nil, fmt.Errorf("demo application: %w", err)
	}
	catcher := mailcatcher.New(mailcatcher.Config{Log: a.log, Now: now, Keep: 100})
	if d.mail != nil {
		go func() {
			if err := catcher.Serve(d.mail); err != nil {
				a.log.LogAttrs(ctx, slog.LevelDebug, "mail catcher ended", slog.Any("error", err))
			}
		}()
	}
	mux := http.NewServeMux()
	mux.Handle("/mail/", http.StripPrefix("/mail", catcher.Handler()))
	mux.Handle("/", shop)

	public, err := a.secure(d.public)
	if err != nil {
		return nil, err
	}
	return []bound{{public, a.public()}, {d.admin, a.admin()}, {d.shop, mux}}, nil
}

// terminal reports whether w is one, and would show colours.
func terminal(w any) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// shown returns path as a person in this folder would write it.
func shown(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	short, err := filepath.Rel(here, path)
	if err != nil || strings.HasPrefix(short, "..") {
		return path
	}
	return "./" + short
}
