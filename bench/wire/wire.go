// Package wire is the HTTP/1.1 client of the load generator.
//
// The generator shares the processors with the measured server, so this client uses
// little processor time: a connection is persistent, blocking and used by a single
// caller, without goroutines, channels and most allocations. Requests are encoded
// once and sent many times.
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

// timeout is the maximum duration of a request.
const timeout = 30 * time.Second

// idleLimit is the idle time of a connection after which a failed request is sent
// again, since servers close idle connections.
const idleLimit = time.Second

// Conn is a connection to a server. It is dialled on the first use and again after
// an error. Only one goroutine may use it at a time.
type Conn struct {
	address string
	host    string // of the Host header
	secure  bool

	conn     net.Conn
	reader   *bufio.Reader
	lastUsed time.Time
	response Response
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

// Send writes a request and reads the response, which is valid until the next call.
//
// If the server may have closed an idle connection, a failed request is sent a
// second time.
func (c *Conn) Send(request []byte) (*Response, error) {
	idle := c.conn != nil && time.Since(c.lastUsed) > idleLimit
	response, err := c.send(request)
	if err != nil && idle {
		response, err = c.send(request)
	}
	return response, err
}

func (c *Conn) send(request []byte) (*Response, error) {
	if c.conn == nil {
		if err := c.dial(); err != nil {
			return nil, err
		}
	}
	now := time.Now()
	if err := c.conn.SetDeadline(now.Add(timeout)); err != nil {
		return nil, c.broken("prepare", err)
	}
	if _, err := c.conn.Write(request); err != nil {
		return nil, c.broken("send", err)
	}
	if err := c.response.read(c.reader); err != nil {
		return nil, c.broken("read the response", err)
	}
	if c.response.closing {
		c.Close()
	}
	c.lastUsed = now
	return &c.response, nil
}

func (c *Conn) dial() error {
	dialer := net.Dialer{Timeout: timeout}
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

// Close closes the connection; the next request opens another.
func (c *Conn) Close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// broken closes the connection and returns the error of an operation.
func (c *Conn) broken(operation string, err error) error {
	c.Close()
	if netError, ok := errors.AsType[net.Error](err); ok && netError.Timeout() {
		return fmt.Errorf("%s: no response within %s", operation, timeout)
	}
	return fmt.Errorf("%s: %w", operation, err)
}
