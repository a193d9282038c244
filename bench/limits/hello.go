package limits

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/ostiary/ostiary/bench/meter"
	"github.com/ostiary/ostiary/bench/wire"
)

// ServeHello runs a minimal server: a constant response behind the router. It
// prints its address, and serves until in reaches its end.
func ServeHello(ctx context.Context, in io.Reader, out io.Writer) error {
	router := chi.NewRouter()
	router.Get("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "hello")
	})
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: router, ReadHeaderTimeout: time.Minute}
	go func() {
		_, _ = io.Copy(io.Discard, in)
		_ = server.Close()
	}()
	if _, err := fmt.Fprintf(out, "http://%s\n", listener.Addr()); err != nil {
		return fmt.Errorf("print the address: %w", err)
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// Hello measures [ServeHello] at an address, in another process.
func Hello(ctx context.Context, address string, pid int, d time.Duration, each func(Limit) error) error {
	at, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("read the address: %w", err)
	}
	m, err := meter.New(ctx, meter.Config{Server: pid})
	if err != nil {
		return fmt.Errorf("start the meter: %w", err)
	}
	g := gauge{m, func(r meter.Reading) time.Duration { return r.Server }, d, each}
	for _, n := range callerCounts() {
		callers, err := newCallers(n, helloCaller(at)) //nolint:contextcheck // connections set their own deadline
		if err != nil {
			return err
		}
		if err := g.measure(ctx, "HTTP hello", callers); err != nil {
			return err
		}
	}
	return nil
}

func helloCaller(at *url.URL) func() (func() error, error) {
	return func() (func() error, error) {
		conn := wire.New(at)
		request := conn.Get("/")
		return func() error {
			_, err := conn.Send(request)
			return err
		}, nil
	}
}
