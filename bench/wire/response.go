package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// maxBody is the maximum size of a body in bytes.
const maxBody = 4 << 20

var errMalformed = errors.New("malformed response")

// Response is a response. Its content is valid until the next use of the
// connection.
type Response struct {
	Status     int
	Location   string
	SetCookie  []string
	RetryAfter string
	Body       []byte

	length  int // of the body; -1 if it is unknown
	chunked bool
	closing bool // the server closes the connection
}

// read reads a response, and skips interim responses (RFC 9110 section 15.2).
func (p *Response) read(r *bufio.Reader) error {
	for {
		if err := p.readHead(r); err != nil {
			return err
		}
		if p.Status >= 200 {
			return p.readBody(r)
		}
	}
}

func (p *Response) readHead(r *bufio.Reader) error {
	*p = Response{Body: p.Body[:0], SetCookie: p.SetCookie[:0], length: -1}
	line, err := readLine(r)
	if err != nil {
		return err
	}
	if len(line) < len("HTTP/1.1 200") || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return errMalformed
	}
	p.closing = line[7] == '0'
	if p.Status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return errMalformed
	}
	for {
		line, err := readLine(r)
		if err != nil {
			return err
		}
		if len(line) == 0 {
			return nil
		}
		name, value, found := bytes.Cut(line, []byte(":"))
		if !found {
			return errMalformed
		}
		if err := p.take(name, bytes.TrimSpace(value)); err != nil {
			return err
		}
	}
}

// take stores the headers of [Response]. It compares lengths first, since most
// headers are others.
func (p *Response) take(name, value []byte) error {
	switch len(name) {
	case len("Content-Length"):
		if is(name, "content-length") {
			n, err := strconv.Atoi(string(value))
			if err != nil || n < 0 || n > maxBody {
				return fmt.Errorf("%w: Content-Length %q", errMalformed, value)
			}
			p.length = n
		}
	case len("Transfer-Encoding"):
		if is(name, "transfer-encoding") {
			p.chunked = true
		}
	case len("Location"):
		if is(name, "location") {
			p.Location = string(value)
		}
	case len("Set-Cookie"):
		switch {
		case is(name, "set-cookie"):
			p.SetCookie = append(p.SetCookie, string(value))
		case is(name, "connection") && strings.EqualFold(string(value), "close"):
			p.closing = true
		}
	case len("Retry-After"):
		if is(name, "retry-after") {
			p.RetryAfter = string(value)
		}
	}
	return nil
}

func is(name []byte, lower string) bool { return strings.EqualFold(string(name), lower) }

func (p *Response) readBody(r *bufio.Reader) error {
	switch {
	case p.Status == 204 || p.Status == 304:
		return nil
	case p.chunked:
		return p.readChunks(r)
	case p.length >= 0:
		return p.append(r, p.length)
	default:
		p.closing = true
		rest, err := io.ReadAll(io.LimitReader(r, maxBody))
		p.Body = append(p.Body, rest...)
		return err
	}
}

func (p *Response) readChunks(r *bufio.Reader) error {
	for {
		line, err := readLine(r)
		if err != nil {
			return err
		}
		size, _, _ := bytes.Cut(line, []byte(";"))
		n, err := strconv.ParseUint(string(bytes.TrimSpace(size)), 16, 31)
		if err != nil || len(p.Body)+int(n) > maxBody {
			return fmt.Errorf("%w: chunk of %q bytes", errMalformed, size)
		}
		if err := p.append(r, int(n)); err != nil {
			return err
		}
		for { // skip trailers after the last chunk, and the empty line after others
			line, err := readLine(r)
			if err != nil {
				return err
			}
			if len(line) == 0 {
				break
			}
		}
		if n == 0 {
			return nil
		}
	}
}

func (p *Response) append(r *bufio.Reader, n int) error {
	start := len(p.Body)
	if need := start + n; need > cap(p.Body) {
		p.Body = append(make([]byte, 0, need+need/2), p.Body...)
	}
	p.Body = p.Body[:start+n]
	_, err := io.ReadFull(r, p.Body[start:])
	return err
}

// readLine returns a line without its end. It is valid until the next read.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
}
