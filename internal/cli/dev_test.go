package cli_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

// The server starts although another program uses the port of the mail catcher.
func TestDevStartsWithoutMailCatcher(t *testing.T) {
	t.Parallel()

	clitest.UnsetEnvironment(t)
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
		code := cli.Run(ctx, servertest.Version, []string{
			"dev", "--data=" + t.TempDir(), "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--demo-listen=127.0.0.1:0",
			"--mail-listen=" + taken.Addr().String(),
		}, cli.Streams{strings.NewReader(""), write, &log})
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
	servertest.Contains(t, string(greeting), "mail        off: "+taken.Addr().String()+" is in use")
	servertest.Contains(t, log.String(), "mail catcher is off", "--mail-listen")
}
