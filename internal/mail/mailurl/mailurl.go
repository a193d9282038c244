// Package mailurl parses the URL of a mail server, which contains a password. No error shows
// a part of it.
package mailurl

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// TLS is how a connection to the mail server is encrypted.
type TLS string

// Values of [TLS]. Plain is allowed only for loopback hosts.
const (
	StartTLS TLS = "starttls"
	Implicit TLS = "implicit"
	Plain    TLS = "plain"
)

// Server is a mail server and the credentials for it.
type Server struct {
	Host           string
	Port           int
	TLS            TLS
	User, Password string // empty without authentication
}

// Parse parses smtp://USER:PASSWORD@HOST:PORT (STARTTLS is required; default port 587),
// smtps://... (implicit TLS; 465) or smtp+plain://HOST:PORT (no TLS and no password, only for
// loopback hosts; 25). Its error completes a sentence that begins with the URL.
//
// Spec: RFC 3207, RFC 8314 §3.
func Parse(text string) (Server, error) {
	u, err := url.Parse(text)
	if err != nil {
		return Server{}, errors.New("is not a URL: write characters of the password other than letters, digits and -._~ percent-encoded")
	}
	s := Server{Host: u.Hostname(), User: u.User.Username()}
	s.Password, _ = u.User.Password()
	switch u.Scheme {
	case "smtp":
		s.TLS, s.Port = StartTLS, 587
	case "smtps":
		s.TLS, s.Port = Implicit, 465
	case "smtp+plain":
		s.TLS, s.Port = Plain, 25
	default:
		return Server{}, errors.New("has an unknown scheme")
	}
	switch {
	case s.Host == "":
		return Server{}, errors.New("has no host")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return Server{}, errors.New("has more than a host and a port")
	case (s.User == "") != (s.Password == ""):
		return Server{}, errors.New("has a user name without a password, or a password without a user name")
	case s.TLS == Plain && !isLoopback(s.Host):
		return Server{}, errors.New("has the scheme smtp+plain, which is allowed only for loopback hosts")
	case s.TLS == Plain && s.User != "":
		return Server{}, errors.New("has the scheme smtp+plain and a password, which would be sent unencrypted")
	}
	if port := u.Port(); port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return Server{}, errors.New("has no port between 1 and 65535")
		}
		s.Port = int(n)
	}
	return s, nil
}

// Address returns HOST:PORT.
func (s Server) Address() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
