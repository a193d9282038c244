package server

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

// Listener is a listener with the handler that serves it.
type Listener struct {
	net.Listener
	Handler http.Handler
}

// Listen opens a listener with connection limits. A secure listener has the limits of the
// public listener, and TLS if a certificate is configured.
func (s *Server) Listen(ctx context.Context, address string, secure bool) (net.Listener, error) {
	l, err := s.listen(ctx, address)
	if err != nil {
		return nil, err
	}
	if !secure {
		return s.admission.adminConnections.Listen(l), nil
	}
	l = s.admission.publicConnections.Listen(l)
	return s.Secure(l)
}

func (s *Server) listen(ctx context.Context, address string) (net.Listener, error) {
	network, where := config.Network(address)
	if network == "unix" {
		return listenUnix(ctx, s.Config, where)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, network, where)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}

// removeStaleSocket removes the socket of a process that was killed. It returns an error if a
// process accepts connections on it.
func removeStaleSocket(ctx context.Context, path string) error {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", path)
	if err == nil {
		return errors.Join(fmt.Errorf("listen: another process is listening on %s", path), conn.Close())
	}
	_ = os.Remove(path) // if it fails, listening reports the error
	return nil
}

// Secure adds TLS to a listener if a certificate is configured.
func (s *Server) Secure(l net.Listener) (net.Listener, error) {
	if s.Config.TLSCertFile == "" {
		return l, nil
	}
	cert, err := loadCertificate(s.Config.TLSCertFile, s.Config.TLSKeyFile, s.Log, s.Now)
	if err != nil {
		return nil, err
	}
	s.certificate.Store(cert)
	tlsConfig := middleware.TLSConfig(cert.Get)
	tlsConfig.NextProtos = []string{"h2", "http/1.1"}
	return tls.NewListener(l, tlsConfig), nil
}

// Serve serves the listeners and runs the background work until ctx ends. Then it reports not
// ready, waits for the shutdown delay, and completes open requests within the shutdown
// timeout.
func (s *Server) Serve(ctx context.Context, listeners []Listener) error {
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	var background sync.WaitGroup
	background.Go(func() { _ = s.Keys.Run(work) }) // ends only with its context
	background.Go(func() { s.Store.RunPurge(work) })
	background.Go(func() { s.Store.SearchWords.RunSearchWords(work) })
	background.Go(func() { s.Outbox.Run(work) })
	background.Go(func() { s.Mail.Run(work) })
	if s.Config.HasAccountPages() {
		background.Go(func() { s.DataFiles.Run(work) })
	}
	background.Go(func() { s.Refusals.Run(work) })
	background.Go(func() { s.Failures.Run(work) })
	background.Go(func() { s.Statistics.Run(work) })
	background.Go(func() { s.Usage.Run(work) })
	background.Go(func() { s.BreachChecks.Run(work) })
	following := make(chan struct{})
	background.Go(func() { s.Store.Follow(work, s.Version, func() { close(following) }) })
	<-following

	failed := make(chan error, len(listeners))
	servers := make([]*http.Server, len(listeners))
	for i, l := range listeners {
		servers[i] = middleware.NewServer(l.Handler)
		servers[i].ErrorLog = slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug)
		go func() { failed <- servers[i].Serve(l.Listener) }()
	}

	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		s.stopping.Store(true)
		s.Log.LogAttrs(work, slog.LevelInfo, "stopping", slog.Float64("delay_seconds", s.Config.ShutdownDelay.Seconds()))
		time.Sleep(s.Config.ShutdownDelay)
	}
	err = errors.Join(err, s.shutdown(work, servers))
	stopWork()
	background.Wait()
	return err
}

func (s *Server) shutdown(ctx context.Context, servers []*http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, s.Config.ShutdownTimeout)
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
