// Package mailcatcher is the mail server of `ostiary dev`: it accepts every message, delivers
// none, and shows them on a page.
//
// It listens only on loopback addresses, stores the latest messages in memory, and never
// renders their content: HTML is shown as source.
package mailcatcher

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
	"golang.org/x/net/netutil"
)

const (
	maxMessage     = 1 << 20
	maxRecipients  = 100
	maxConnections = 20
	idle           = time.Minute
)

// ErrNotLoopback reports a listener that is reachable from other machines.
var ErrNotLoopback = errors.New("the mail catcher listens only on loopback addresses")

// Config limits the catcher.
type Config struct {
	// Log receives a line per message, without its content.
	Log *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Keep is the number of messages to keep, the latest ones; 0 means 100.
	Keep int
}

// Catcher receives and stores messages.
type Catcher struct {
	log   *slog.Logger
	now   func() time.Time
	keep  int
	pages *template.Template
	smtp  *smtp.Server

	mu       sync.Mutex
	listener net.Listener
	closed   bool
	last     int
	messages []Message // latest first
}

// New returns a catcher. It receives messages once Serve is called.
func New(cfg Config) *Catcher {
	c := &Catcher{log: cfg.Log, now: cfg.Now, keep: cfg.Keep, pages: parsePages()}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.keep <= 0 {
		c.keep = 100
	}
	c.smtp = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &delivery{catcher: c}, nil
	}))
	c.smtp.Domain = "localhost"
	c.smtp.MaxMessageBytes = maxMessage
	c.smtp.MaxRecipients = maxRecipients
	c.smtp.ReadTimeout, c.smtp.WriteTimeout = idle, idle
	c.smtp.EnableSMTPUTF8 = true
	c.smtp.ErrorLog = slog.NewLogLogger(c.log.Handler(), slog.LevelInfo)
	return c
}

// Serve receives messages on l until Close. It returns an error for a listener that is not on
// a loopback address.
func (c *Catcher) Serve(l net.Listener) error {
	if addr, ok := l.Addr().(*net.TCPAddr); !ok || !addr.IP.IsLoopback() {
		return fmt.Errorf("serve mail on %s: %w", l.Addr(), ErrNotLoopback)
	}
	c.mu.Lock()
	c.listener = l
	closed := c.closed
	c.mu.Unlock()
	if closed {
		return l.Close()
	}

	if err := c.smtp.Serve(netutil.LimitListener(l, maxConnections)); err != nil {
		return fmt.Errorf("serve mail: %w", err)
	}
	return nil
}

// Close stops receiving messages. The stored messages stay readable.
func (c *Catcher) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()

	c.closed = true
	if err := c.smtp.Close(); err != nil && !errors.Is(err, smtp.ErrServerClosed) {
		return fmt.Errorf("close mail catcher: %w", err)
	}
	// The mail server does not know a listener that Serve has just received, and Close would
	// wait for it.
	if c.listener != nil {
		if err := c.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("close mail listener: %w", err)
		}
	}
	return nil
}

// Messages returns the stored messages, the latest first.
func (c *Catcher) Messages() []Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.messages)
}

func (c *Catcher) message(id int) (Message, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()

	at := slices.IndexFunc(c.messages, func(m Message) bool { return m.ID == id })
	if at < 0 {
		return Message{}, false
	}
	return c.messages[at], true
}

func (c *Catcher) catch(m Message) int {
	c.mu.Lock()
	defer c.mu.Unlock()

	c.last++
	m.ID, m.Received = c.last, c.now()
	c.messages = slices.Insert(c.messages, 0, m)
	c.messages = c.messages[:min(len(c.messages), c.keep)]
	return m.ID
}

func (c *Catcher) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.messages = nil
}

// delivery is an SMTP session.
type delivery struct {
	catcher *Catcher
	from    string
	to      []string
}

func (d *delivery) Mail(from string, _ *smtp.MailOptions) error {
	d.from = from
	return nil
}

func (d *delivery) Rcpt(to string, _ *smtp.RcptOptions) error {
	d.to = append(d.to, to)
	return nil
}

func (d *delivery) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err // unwrapped: go-smtp sends the code that it carries
	}
	m := parse(raw)
	m.EnvelopeFrom, m.EnvelopeTo = d.from, slices.Clone(d.to)
	id := d.catcher.catch(m)
	d.catcher.log.LogAttrs(context.Background(), slog.LevelInfo, "mail caught",
		slog.Int("id", id), slog.Int("size", len(raw)))
	return nil
}

func (d *delivery) Reset() { d.from, d.to = "", nil }

func (d *delivery) Logout() error { return nil }
