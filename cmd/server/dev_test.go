package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Another program at the mail catcher's port is no reason not to start.
func TestDevStartsWithoutTheMailCatcher(t *testing.T) {
	t.Parallel()

	unsetEnvironment(t)
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	read, write := io.Pipe()
	var log bytes.Buffer
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		code := run(ctx, []string{
			"dev", "--data=" + t.TempDir(), "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--demo-listen=127.0.0.1:0",
			"--mail-listen=" + taken.Addr().String(),
		}, streams{strings.NewReader(""), write, &log})
		_ = write.CloseWithError(io.EOF) // the reader is here
		ended <- code
	}()
	greeting := make([]byte, 0, 4096)
	for !bytes.Contains(greeting, []byte("clients list")) {
		some := make([]byte, 4096)
		n, err := read.Read(some)
		greeting = append(greeting, some[:n]...)
		if err != nil {
			break
		}
	}
	stop()
	if code := <-ended; code != 0 {
		t.Fatalf("dev = exit code %d: %s", code, log.String())
	}
	contains(t, string(greeting), "mail        off: "+taken.Addr().String()+" is taken")
	contains(t, log.String(), "mail catcher is off", "--mail-listen")

	for _, listen := range []string{"0.0.0.0:0", "nowhere"} {
		d := &dev{devCommand: &devCommand{Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0", DemoListen: "127.0.0.1:0", MailListen: listen}}
		if err := d.bind(t.Context()); err == nil || !strings.Contains(err.Error(), "--mail-listen") {
			t.Errorf("--mail-listen %s: %v, want an error", listen, err)
		}
	}
}

// Each scope that exists from the start and releases claims releases one of the demo
// person's, so that a developer who tries a recipe of docs/clients.md sees it.
func TestTheDemoPersonHasAClaimForEachScope(t *testing.T) {
	t.Parallel()

	records, err := storetest.New(t).ListScopes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	claims := demoClaims(now())
	for _, s := range scope.NewSet(records, nil, nil).All() {
		has := len(s.Claims) == 0
		for name := range s.Claims {
			has = has || claims[name] != nil
		}
		if !has {
			t.Errorf("the scope %s releases nothing of the demo person", s.Name)
		}
	}
}
