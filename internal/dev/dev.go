// Package dev runs a server with no configuration: it generates secrets, creates the
// database, and adds a demo application, a demo user and a mail catcher.
package dev

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lmittmann/tint"

	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/dev/demo"
	"github.com/ostiary/ostiary/internal/dev/mailcatcher"
	"github.com/ostiary/ostiary/internal/server"
)

// Options are the settings of a development server. Addresses are HOST:PORT; port 0 chooses a
// free port.
type Options struct {
	Data                                        string // the data directory
	Listen, AdminListen, DemoListen, MailListen string
	Clients, Users                              string // files to import; may be empty
	Issuer                                      string // a URL, or the path of one of this machine; may be empty
	TLS                                         bool   // with a certificate for localhost
	MTLS                                        bool   // with a listener for clients with a certificate
	MTLSListen                                  string // its address

	Config   string            // a configuration file; may be empty
	Set      map[string]string // overrides file and environment
	Out, Err io.Writer
	Version  string // of the build
}

// devServer is a running development server.
type devServer struct {
	Options

	server                                                    *server.Server
	data                                                      *dataDir
	publicListener, adminListener, demoListener, mailListener net.Listener
	mutualListener                                            net.Listener // nil without mutual TLS
	demoURL                                                   string
	demo                                                      demoClient
	demoUser                                                  demoUser
	setupURL                                                  string // empty if there is an administrator
	mailErr                                                   error  // why the mail catcher is off
}

// Run runs a development server until ctx ends.
func Run(ctx context.Context, o Options) error {
	d := &devServer{Options: o}
	var err error
	if d.data, err = openDataDir(o.Data); err != nil {
		return err
	}
	if err := d.bind(ctx); err != nil {
		return err
	}
	conf, err := d.configure()
	if err != nil {
		return err
	}
	log := slog.New(tint.NewTextHandler(o.Err, &tint.Options{Level: conf.LogLevel, TimeFormat: "15:04:05", NoColor: !isTerminal(o.Err)}))
	if d.mailErr != nil {
		log.LogAttrs(ctx, slog.LevelWarn, "mail catcher is off: its port is in use; choose another with --mail-listen",
			slog.String("address", o.MailListen))
	}
	db, err := server.OpenStore(ctx, conf, log)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.Migrate(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if d.server, err = server.New(ctx, server.Options{Config: conf, Store: db, Log: log, Now: time.Now, Version: o.Version}); err != nil {
		return err
	}
	if err := d.seed(ctx); err != nil {
		return err
	}
	listeners, err := d.handlers(ctx)
	if err != nil {
		return err
	}
	d.printBanner(o.Out)
	return d.server.Serve(ctx, listeners)
}

// bind opens all listeners before it writes any file, so that a port in use has no effect.
func (d *devServer) bind(ctx context.Context) error {
	var faults []error
	open := func(flag, address string) net.Listener {
		l, err := listenLoopback(ctx, address)
		if err != nil {
			faults = append(faults, fmt.Errorf("--%s: %w", flag, err))
		}
		return l
	}
	d.publicListener = open("listen", d.Listen)
	d.adminListener = open("admin-listen", d.AdminListen)
	d.demoListener = open("demo-listen", d.DemoListen)
	if d.MTLS {
		d.mutualListener = open("mtls-listen", d.MTLSListen)
	}
	// The mail catcher is optional, and other programs use its port too.
	if d.mailListener, d.mailErr = listenLoopback(ctx, d.MailListen); d.mailErr != nil && !errors.Is(d.mailErr, syscall.EADDRINUSE) {
		faults = append(faults, fmt.Errorf("--mail-listen: %w", d.mailErr))
	}
	if len(faults) > 0 {
		return fmt.Errorf("%w\nIs ostiary dev already running? Choose other addresses with the flags; port 0 chooses a free port", errors.Join(faults...))
	}
	d.demoURL = "http://localhost:" + port(d.demoListener)
	return nil
}

// listenLoopback listens on a loopback address: the generated secrets and the demo user are
// not meant for a network.
func listenLoopback(ctx context.Context, address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("%s is not HOST:PORT", address)
	}
	if addr, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !addr.IsLoopback()) {
		return nil, fmt.Errorf("dev listens only on loopback addresses, and %s is not one: use ostiary serve", address)
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

// configure loads the configuration over the defaults of dev, and writes it to a file for
// other commands.
func (d *devServer) configure() (*config.Config, error) {
	secret, err := d.data.secret("system_secret")
	if err != nil {
		return nil, err
	}
	scheme := "http"
	defaults := map[string]string{
		"database_url": "sqlite:" + d.data.path("ostiary.db"), "system_secrets": secret,
		"registration": "open", "sign_up": "open", "sign_up_verify": "off", "demo_resource": "on", "shutdown_delay": "0s",
		"listen": d.publicListener.Addr().String(), "admin_listen": d.adminListener.Addr().String(),
	}
	if d.mailListener != nil {
		defaults["mail_url"], defaults["mail_from"] = "smtp+plain://"+d.mailListener.Addr().String(), "Ostiary <no-reply@localhost.localdomain>"
	}
	if d.TLS {
		scheme = "https"
		cert, key, err := d.data.certificate()
		if err != nil {
			return nil, err
		}
		defaults["tls_cert_file"], defaults["tls_key_file"] = cert, key
	}
	if d.MTLS {
		defaults["mtls_listen"], defaults["mtls_url"] = d.mutualListener.Addr().String(), "https://localhost:"+port(d.mutualListener)
	}
	defaults["issuer"] = d.issuer(scheme)
	conf, err := config.Load(config.Sources{
		Defaults: defaults, File: d.Config, Environ: os.Environ(), Override: d.Set, Require: config.ServeRequires(),
	})
	if err != nil {
		return nil, err
	}
	return conf, d.data.writeConfig(conf.Issuer)
}

// issuer returns the public URL.
func (d *devServer) issuer(scheme string) string {
	if d.Issuer != "" && !strings.HasPrefix(d.Issuer, "/") {
		return d.Issuer
	}
	return scheme + "://localhost:" + port(d.publicListener) + d.Issuer
}

// handlers returns the listeners with their handlers.
func (d *devServer) handlers(ctx context.Context) ([]server.Listener, error) {
	a := d.server
	client, err := d.data.httpClient(d.TLS)
	if err != nil {
		return nil, err
	}
	shop, err := demo.New(demo.Config{
		Issuer: a.Config.Issuer, ClientID: d.demo.ID, ClientSecret: d.demo.Secret,
		BaseURL: d.demoURL, HTTPClient: client, MailPath: "/mail/", Log: a.Log, Now: time.Now,
		Hint: "Sign in as " + d.demoUser.Username + " with the password " + d.demoUser.Password,
	})
	if err != nil {
		return nil, fmt.Errorf("demo application: %w", err)
	}
	catcher := mailcatcher.New(mailcatcher.Config{Log: a.Log, Now: time.Now, Keep: 100})
	if d.mailListener != nil {
		go func() {
			if err := catcher.Serve(d.mailListener); err != nil {
				a.Log.LogAttrs(ctx, slog.LevelDebug, "mail catcher ended", slog.Any("error", err))
			}
		}()
	}
	mux := http.NewServeMux()
	mux.Handle("/mail/", http.StripPrefix("/mail", catcher.Handler()))
	mux.Handle("/", shop)

	public, err := a.Secure(d.publicListener)
	if err != nil {
		return nil, err
	}
	listeners := []server.Listener{
		{Listener: public, Handler: a.Public()}, {Listener: d.adminListener, Handler: a.Admin()}, {Listener: d.demoListener, Handler: mux},
	}
	if d.MTLS {
		cert, key, err := d.data.certificate()
		if err != nil {
			return nil, err
		}
		mutual, err := a.SecureMutualTLS(d.mutualListener, cert, key)
		if err != nil {
			return nil, err
		}
		listeners = append(listeners, server.Listener{Listener: mutual, Handler: a.MutualTLS()})
	}
	return listeners, nil
}

// isTerminal reports whether w is a terminal, which shows colours.
func isTerminal(w any) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// relativePath returns path relative to the current directory, if it is below it.
func relativePath(path string) string {
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
