package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/middleware"
)

// serveCommand runs in production.
type serveCommand struct {
	Migrate bool `help:"Bring the schema up to date first, under a lock."`
}

// Run serves until the process is asked to stop.
func (cmd *serveCommand) Run(ctx context.Context, s streams, c *cli) error {
	conf, err := c.load(config.ServeRequires()...)
	if err != nil {
		return err
	}
	lines := newLogWriter(s.err)
	defer lines.Close()
	log := newLog(lines, conf)
	db, err := openStore(ctx, conf, log)
	if err != nil {
		return err
	}
	defer db.Close()
	if cmd.Migrate {
		if _, err := db.Migrate(ctx); err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
	}
	if err := current(ctx, db, "ostiary migrate up, or serve --migrate,"); err != nil {
		return err
	}
	if err := db.CheckRights(ctx); err != nil {
		return err
	}
	a, err := newApp(ctx, conf, db, log, now)
	if err != nil {
		return err
	}
	paceCollector(ctx, now)
	public, err := a.listen(ctx, conf.Listen, true)
	if err != nil {
		return err
	}
	listeners := []bound{{public, a.public()}}
	if conf.AdminListen != "" && conf.AdminListen != "off" {
		admin, err := a.listen(ctx, conf.AdminListen, false)
		if err != nil {
			return err
		}
		listeners = append(listeners, bound{admin, a.admin()})
	}
	a.limitMemory()
	log.LogAttrs(ctx, slog.LevelInfo, "serving",
		slog.String("issuer", conf.Issuer), slog.String("listen", public.Addr().String()),
		slog.String("database", db.Engine()), slog.String("version", version))
	return a.serve(ctx, listeners)
}

// bound is a listener and what answers on it.
type bound struct {
	net.Listener
	handler http.Handler
}

// listen opens a listener, with TLS where a certificate is configured and secure
// is asked for.
func (a *app) listen(ctx context.Context, address string, secure bool) (net.Listener, error) {
	network, where := config.Network(address)
	var l net.Listener
	var err error
	if network == "unix" {
		l, err = listenUnix(ctx, a.config, where)
	} else if l, err = (&net.ListenConfig{}).Listen(ctx, network, where); err != nil {
		err = fmt.Errorf("listen: %w", err)
	}
	if err != nil {
		return nil, err
	}
	// What idle and slow callers can hold open is bounded, by network and altogether.
	if !secure {
		return a.room.adminConnections.Listen(l), nil
	}
	l = a.room.publicConnections.Listen(l)
	return a.secure(l)
}

// clearSocket removes the socket that a killed process left behind, but not one
// that somebody answers on.
func clearSocket(ctx context.Context, path string) error {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", path)
	if err == nil {
		return errors.Join(fmt.Errorf("listen: another process answers on %s", path), conn.Close())
	}
	_ = os.Remove(path) // if it is not there, or not ours, listening will tell
	return nil
}

// secure puts TLS on a listener where a certificate is configured.
func (a *app) secure(l net.Listener) (net.Listener, error) {
	if a.config.TLSCertFile == "" {
		return l, nil
	}
	cert, err := a.loadCertificate()
	if err != nil {
		return nil, err
	}
	tlsConfig := middleware.TLSConfig(cert.Get)
	tlsConfig.NextProtos = []string{"h2", "http/1.1"}
	return tls.NewListener(l, tlsConfig), nil
}

// serve answers on the listeners and keeps the house in order until ctx ends.
// Then it says so, lets balancers notice, and finishes what it has begun.
func (a *app) serve(ctx context.Context, listeners []bound) error {
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	var background sync.WaitGroup
	background.Go(func() { _ = a.keys.Run(work) }) // ends with its context alone
	background.Go(func() { a.store.RunPurge(work) })
	background.Go(func() { a.courier.Run(work) })
	background.Go(func() { a.refusals.Run(work) })
	following := make(chan struct{})
	background.Go(func() { a.store.Follow(work, func() { close(following) }) })
	<-following

	failed := make(chan error, len(listeners))
	servers := make([]*http.Server, len(listeners))
	for i, l := range listeners {
		servers[i] = middleware.Server(l.handler)
		servers[i].ErrorLog = slog.NewLogLogger(a.log.Handler(), slog.LevelDebug)
		go func() { failed <- servers[i].Serve(l.Listener) }()
	}

	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		a.stopping.Store(true)
		a.log.LogAttrs(work, slog.LevelInfo, "stopping", slog.Float64("delay_seconds", a.config.ShutdownDelay.Seconds()))
		time.Sleep(a.config.ShutdownDelay)
	}
	err = errors.Join(err, a.shutdown(work, servers))
	stopWork()
	background.Wait()
	return err
}

func (a *app) shutdown(ctx context.Context, servers []*http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, a.config.ShutdownTimeout)
	defer cancel()
	var wait sync.WaitGroup
	errs := make([]error, len(servers))
	for i, server := range servers {
		wait.Go(func() {
			if errs[i] = server.Shutdown(ctx); errs[i] != nil {
				errs[i] = errors.Join(errs[i], server.Close())
			}
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}
