package wire

import (
	"encoding/base64"
	"net/url"
	"strconv"
)

// Header is a header field of a request.
type Header struct{ Name, Value string }

// Basic returns the header of HTTP Basic client authentication (RFC 6749 section
// 2.3.1).
func Basic(id, secret string) Header {
	credentials := url.QueryEscape(id) + ":" + url.QueryEscape(secret)
	return Header{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))}
}

// Bearer returns the header with an access token (RFC 6750 section 2.1).
func Bearer(token string) Header { return Header{"Authorization", "Bearer " + token} }

// Get returns a GET request for target, the path and query of a URL.
func (c *Conn) Get(target string, headers ...Header) []byte {
	return c.request(nil, "GET", target, "", "", headers)
}

// Post returns a POST request with an encoded form.
func (c *Conn) Post(target, form string, headers ...Header) []byte {
	return c.request(nil, "POST", target, "application/x-www-form-urlencoded", form, headers)
}

// JSON returns a request with a JSON document.
func (c *Conn) JSON(method, target, document string, headers ...Header) []byte {
	return c.request(nil, method, target, "application/json", document, headers)
}

func (c *Conn) request(b []byte, method, target, kind, body string, headers []Header) []byte {
	b = append(b, method...)
	b = append(b, ' ')
	b = append(b, target...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, c.host...)
	b = append(b, "\r\nUser-Agent: ostiary-bench\r\nAccept: */*\r\n"...)
	for _, h := range headers {
		b = append(b, h.Name...)
		b = append(b, ": "...)
		b = append(b, h.Value...)
		b = append(b, "\r\n"...)
	}
	if kind != "" {
		b = append(b, "Content-Type: "...)
		b = append(b, kind...)
		b = append(b, "\r\nContent-Length: "...)
		b = strconv.AppendInt(b, int64(len(body)), 10)
		b = append(b, "\r\n"...)
	}
	b = append(b, "\r\n"...)
	return append(b, body...)
}

// Target returns the request target of a URL: its path and query.
func Target(u *url.URL) string {
	if u.RawQuery == "" {
		return u.EscapedPath()
	}
	return u.EscapedPath() + "?" + u.RawQuery
}
