package config

import (
	"net/url"
	"strings"
)

// URL returns the public URL of a path that begins with a slash. The issuer may end with a
// slash or not.
func (c *Config) URL(path string) string {
	return strings.TrimSuffix(c.Issuer, "/") + path
}

// Origin returns the origin of the issuer, in the form that browsers send.
//
// Spec: RFC 6454 §6.2.
func (c *Config) Origin() string {
	u, err := url.Parse(c.Issuer)
	if err != nil {
		return "" // not after [Load]
	}
	return u.Scheme + "://" + u.Host
}

// Path returns the path of the issuer without a trailing slash, or "".
func (c *Config) Path() string {
	u, err := url.Parse(c.Issuer)
	if err != nil {
		return "" // not after [Load]
	}
	return strings.TrimSuffix(u.Path, "/")
}

// HasAccountPages reports whether users have the account console, and what belongs to it.
func (c *Config) HasAccountPages() bool {
	return c.AccountPages == AccountPagesOn || c.AccountPages == AccountPagesAuto && c.LoginURL == ""
}

// HTTPS reports whether the issuer is an https URL, regardless of whether the server or a
// proxy terminates TLS.
func (c *Config) HTTPS() bool {
	return strings.HasPrefix(c.Issuer, "https://")
}

// SendHSTS reports whether responses have a Strict-Transport-Security header. It is false
// for loopback hosts, because browsers would apply it to all ports of this machine.
//
// Spec: RFC 6797 §8.1.
func (c *Config) SendHSTS() bool { return sendHSTS(c.Issuer) }

// SendConsoleHSTS is [Config.SendHSTS] for the console on the admin listener.
func (c *Config) SendConsoleHSTS() bool { return sendHSTS(c.ConsoleURL) }

func sendHSTS(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && !loopback(u.Hostname())
}

// Network returns the arguments of [net.Listen] for a listener: "unix:/run/x.sock" is a
// Unix socket, all other addresses are TCP.
func Network(listen string) (network, address string) {
	if path, ok := strings.CutPrefix(listen, "unix:"); ok {
		return "unix", path
	}
	return "tcp", listen
}
