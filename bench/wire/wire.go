// Package wire is the HTTP/1.1 client of the load generator.
//
// The generator shares the processors with what it measures, so every cycle it
// spends is taken from the server. A connection here belongs to one caller, is
// kept, and blocks: no goroutine, no channel and hardly an allocation per
// request. Requests are written once, as bytes, and sent many times.
package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"
)

// patience bounds one request.
const patience = 30 * time.Second

// idleLimit is how long a connection may have rested to be trusted without a
// second try: servers close what rests.
const idleLimit = time.Second

// Conn is one connection to a server, which is dialled when it is first used and
// again after it broke. It is for one goroutine.
type Conn struct {
	address string
	host    string // of the Host header
	secure  bool

	conn   net.Conn
	reader *bufio.Reader
	used   time.Time
	answer Response
}

// New returns a connection to the server of a URL, without dialling.
func New(server *url.URL) *Conn {
	c := &Conn{address: server.Host, host: server.Host, secure: server.Scheme == "https"}
	if server.Port() == "" {
		port := "80"
		if c.secure {
			port = "443"
		}
		c.address = net.JoinHostPort(server.Hostname(), port)
	}
	return c
}

// Send writes a request, made by [Request], and reads the answer, which is good
// until the next call.
//
// A kept connection that the server closed while nobody used it is no fault of
// the server's: the request is then sent once more.
func (c *Conn) Send(request []byte) (*Response, error) {
	rested := c.conn != nil && time.Since(c.used) > idleLimit
	answer, err := c.send(request)
	if err != nil && rested {
		answer, err = c.send(request)
	}
	return answer, err
}

func (c *Conn) send(request []byte) (*Response, error) {
	if c.conn == nil {
		if err := c.dial(); err != nil {
			return nil, err
		}
	}
	now := time.Now()
	if err := c.conn.SetDeadline(now.Add(patience)); err != nil {
		return nil, c.broken("prepare", err)
	}
	if _, err := c.conn.Write(request); err != nil {
		return nil, c.broken("send", err)
	}
	if err := c.answer.read(c.reader); err != nil {
		return nil, c.broken("read the answer", err)
	}
	if c.answer.last {
		c.Close()
	}
	c.used = now
	return &c.answer, nil
}

func (c *Conn) dial() error {
	dialer := net.Dialer{Timeout: patience}
	var err error
	if c.secure {
		c.conn, err = (&tls.Dialer{NetDialer: &dialer}).DialContext(context.Background(), "tcp", c.address)
	} else {
		c.conn, err = dialer.DialContext(context.Background(), "tcp", c.address)
	}
	if err != nil {
		c.conn = nil
		return fmt.Errorf("connect: %w", err)
	}
	if c.reader == nil {
		c.reader = bufio.NewReaderSize(nil, 8<<10)
	}
	c.reader.Reset(c.conn)
	return nil
}

// Close ends the connection; the next request opens another.
func (c *Conn) Close() {
	if c.conn != nil {
		_ = c.conn.Close() // nothing is owed on it
		c.conn = nil
	}
}

func (c *Conn) broken(doing string, err error) error {
	c.Close()
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return fmt.Errorf("%s: no answer within %s", doing, patience)
	}
	return fmt.Errorf("%s: %w", doing, err)
}
