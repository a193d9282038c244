package contract

import (
	"net"
	"regexp"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/dev/mailcatcher"
)

// startMail starts a mail server, and returns it with its URL.
func startMail(t *testing.T) (*mailcatcher.Catcher, string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	catcher := mailcatcher.New(mailcatcher.Config{})
	go func() { _ = catcher.Serve(l) }()
	t.Cleanup(func() { _ = catcher.Close() })
	return catcher, "smtp+plain://" + l.Addr().String()
}

var mailedLink = regexp.MustCompile(issuer + `(/\S+\?token=\S+)`)

// linkTo returns path and query of the link in the latest message to an address.
func linkTo(t *testing.T, catcher *mailcatcher.Catcher, address string) string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		for _, m := range catcher.Messages() {
			if found := mailedLink.FindStringSubmatch(m.Text); found != nil && m.EnvelopeTo[0] == address {
				return found[1]
			}
		}
	}
	t.Fatal("no message with a link was sent to " + address)
	return ""
}
