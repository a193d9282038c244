package config

import (
	"errors"
	"net"
	"net/url"
	"strings"
)

// ConsolePlace is where the administrators' console is served.
type ConsolePlace string

// Values of [ConsolePlace]: on the admin listener, on the public listener, or nowhere.
const (
	ConsoleAdmin  ConsolePlace = "admin"
	ConsolePublic ConsolePlace = "public"
	ConsoleOff    ConsolePlace = "off"
)

// consolePath is the path of the administrators' console below its origin or the issuer.
const consolePath = "/console"

// ConsoleRoot returns the URL of the administrators' console without a trailing slash, as a
// browser sees it; empty if there is none. A browser cannot reach a Unix socket itself, so an admin
// listener on one has a console only with a console_url.
func (c *Config) ConsoleRoot() string {
	switch {
	case c.Console == ConsolePublic:
		return c.URL(consolePath)
	case c.Console != ConsoleAdmin || c.AdminListen == "" || c.AdminRoot() == "":
		return ""
	}
	return c.AdminRoot() + consolePath
}

// AdminRoot returns the URL of the admin listener without a trailing slash, as its clients see it: the
// console_url, or the loopback address; empty for a listener whose URL is not known.
func (c *Config) AdminRoot() string {
	if c.ConsoleURL != "" {
		return c.ConsoleURL
	}
	network, address := Network(c.AdminListen)
	_, port, err := net.SplitHostPort(address)
	if err != nil || network != "tcp" || !local(c.AdminListen) {
		return ""
	}
	return "http://127.0.0.1:" + port
}

// ConsoleOfBrowsers returns [Config.ConsoleRoot] if the browser of a user who signs in on the built-in
// pages reaches it, else the empty string: only browsers on this machine reach a console at its
// loopback address, and they are those that reach a loopback issuer.
func (c *Config) ConsoleOfBrowsers() string {
	issuer, err := url.Parse(c.Issuer)
	isLocal := c.Console == ConsoleAdmin && c.ConsoleURL == ""
	if c.LoginURL != "" || err != nil || isLocal && !loopback(issuer.Hostname()) {
		return ""
	}
	return c.ConsoleRoot()
}

// consoleConflicts reports settings of the console that contradict others.
func consoleConflicts(c *Config, fault func(wrong bool, key, problem string)) {
	network, _ := Network(c.AdminListen)
	fault(c.Console == ConsoleAdmin && c.AdminListen != "" && network == "tcp" && c.ConsoleRoot() == "", "console_url",
		"is required, since admin_listen is not a loopback address: set the origin at which browsers reach the admin listener, or console: off")
	fault(c.Console != ConsoleAdmin && c.ConsoleURL != "", "console_url", "has no effect unless console is admin")
}

// origin accepts origins that are written as browsers send them; an empty one is allowed.
//
// Spec: RFC 6454 §6.2.
func origin() kind[string] {
	return kind[string]{
		allowed: "an https origin, as in https://admin.example.com; http for a loopback host",
		parse: func(text string) (string, error) {
			if text == "" {
				return "", nil
			}
			u, err := browserURL(text)
			switch {
			case err != nil:
				return "", err
			case strings.TrimSuffix(text, "/") != u.Scheme+"://"+u.Host || !isNormalized(text, u):
				return "", errors.New("is not an origin: use scheme, host and port, in lower case and without the default port")
			}
			return strings.TrimSuffix(text, "/"), nil
		},
		write: func(text string) string { return text },
	}
}
