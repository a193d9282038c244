package config

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/ostiary/ostiary/internal/pgurl"
)

// issuer accepts issuer URLs. Clients compare the issuer byte by byte, so it is never
// normalised; a URL that a client could normalise is an error instead.
//
// Spec: OpenID Connect Discovery §3, RFC 8414 §2.
func issuer() kind[string] {
	return kind[string]{
		allowed: "an absolute https URL without query and fragment; http for a loopback host",
		parse: func(text string) (string, error) {
			u, err := url.Parse(text)
			switch {
			case err != nil || u.Host == "" || u.Hostname() == "":
				return "", errors.New("is not an absolute URL")
			case u.Scheme != "https" && u.Scheme != "http":
				return "", errors.New("has a scheme that is not https")
			case u.User != nil:
				return "", errors.New("contains a user name")
			case u.RawQuery != "" || u.ForceQuery:
				return "", errors.New("has a query")
			case strings.Contains(text, "#"):
				return "", errors.New("has a fragment")
			case u.Scheme == "http" && !loopback(u.Hostname()):
				return "", errors.New("has the scheme http, which is allowed only for loopback hosts")
			case !isNormalized(text, u):
				return "", errors.New("is not normalised: use lower case, no default port, no dot segments, no percent-encoding")
			case reservedSegment(u.Path):
				return "", errors.New("has a path that begins with a reserved segment: .well-known, health, version")
			}
			return text, nil
		},
		write: func(text string) string { return text },
	}
}

// reservedSegment reports whether the path of an issuer begins with a segment that the
// server always serves at the root of the host.
func reservedSegment(path string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return first == ".well-known" || first == "health" || first == "version"
}

// isNormalized reports whether no URL library would change text by normalising it.
func isNormalized(text string, u *url.URL) bool {
	port := u.Port()
	if u.Host != strings.ToLower(u.Host) || strings.HasSuffix(u.Host, ":") ||
		u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		return false
	}
	if n, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || n == 0) {
		return false
	}
	if strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune("%\\\"<>^`{|}", c) }) {
		return false
	}
	folder := strings.TrimSuffix(u.Path, "/")
	return u.String() == text && folder != "/" && (folder == "" || path.Clean(folder) == folder)
}

// page accepts URLs that browsers are redirected to with an added parameter. They may
// have a query.
func page() kind[string] {
	return kind[string]{
		allowed: "an absolute https URL without fragment; http for a loopback host",
		parse: func(text string) (string, error) {
			if text == "" {
				return "", nil
			}
			u, err := browserURL(text)
			switch {
			case err != nil:
				return "", err
			case u.User != nil:
				return "", errors.New("contains a user name")
			case strings.Contains(text, "#"):
				return "", errors.New("has a fragment")
			case strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' }):
				return "", errors.New("contains a character that is not printable ASCII")
			}
			return text, nil
		},
		write: func(text string) string { return text },
	}
}

// browserURL parses an absolute https URL, or an http URL of a loopback host.
func browserURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "":
		return nil, errors.New("is not an absolute URL")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return nil, errors.New("has a scheme that is not https")
	}
	return u, nil
}

// loopback reports whether a host is always this machine.
//
// Spec: RFC 6761 §6.3.
func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

func listener() kind[string] {
	return kind[string]{
		allowed: "host:port, :port or unix:/path",
		parse: func(text string) (string, error) {
			if socket, ok := strings.CutPrefix(text, "unix:"); ok {
				if !path.IsAbs(socket) || strings.HasSuffix(socket, "/") {
					return "", errors.New("is not an absolute socket path")
				}
				return text, nil
			}
			host, port, err := net.SplitHostPort(text)
			if err != nil || strings.ContainsAny(host, " /@") {
				return "", errors.New("is not an address to listen on")
			}
			if _, err := strconv.ParseUint(port, 10, 16); err != nil {
				return "", errors.New("has no port between 0 and 65535")
			}
			return text, nil
		},
		write: func(text string) string { return text },
	}
}

// listenerOrOff accepts a listener address, or off, which it stores as the empty string.
func listenerOrOff() kind[string] {
	on := listener()
	return kind[string]{
		allowed: on.allowed + ", or off",
		parse: func(text string) (string, error) {
			if text == "off" {
				return "", nil
			}
			return on.parse(text)
		},
		write: func(text string) string {
			if text == "" {
				return "off"
			}
			return text
		},
	}
}

// local reports whether a listener is reachable only from this machine.
func local(listen string) bool {
	network, address := Network(listen)
	if network == "unix" || listen == "" {
		return true
	}
	host, _, err := net.SplitHostPort(address)
	return err == nil && loopback(host)
}

// database accepts database URLs. They are secrets, so no error quotes the URL or wraps a
// parser error, which would quote it.
func database() kind[Secret] {
	return kind[Secret]{
		allowed: "sqlite:PATH or postgres://...",
		secret:  true,
		parse: func(text string) (Secret, error) {
			engine, rest, _ := strings.Cut(text, ":")
			switch {
			case engine == "sqlite" && strings.Contains(rest, "?"):
				return Secret{}, errors.New(`has a path with "?", which is not allowed: SQLite options cannot be set`)
			case engine == "sqlite" && rest != "":
				return NewSecret(text), nil
			case engine == "sqlite":
				return Secret{}, errors.New("has no file path")
			case (engine == "postgres" || engine == "postgresql") && strings.HasPrefix(rest, "//") && len(rest) > 2:
				if err := pgurl.Check(text); err != nil {
					return Secret{}, errors.New("contains a password that is not percent-encoded")
				}
				return NewSecret(text), nil
			}
			return Secret{}, errors.New("has an unknown scheme")
		},
		write: Secret.Reveal,
	}
}

// minSecret is the length of an AES-256 key, in bytes.
const minSecret = 32

func secrets() kind[[]Secret] {
	return kind[[]Secret]{
		allowed: "one or more values of at least 32 bytes each, comma separated",
		secret:  true,
		parse: func(text string) ([]Secret, error) {
			var all []Secret
			seen := map[string]bool{}
			for _, item := range list(text) {
				switch {
				case len(item) < minSecret:
					return nil, errors.New("contains a value that is too short")
				case strings.ContainsFunc(item, func(c rune) bool { return c < 0x20 || c == 0x7f }):
					return nil, errors.New("contains a control character")
				case seen[item]:
					return nil, errors.New("contains the same value twice")
				}
				seen[item] = true
				all = append(all, NewSecret(item))
			}
			if len(all) == 0 {
				return nil, errors.New("is empty")
			}
			return all, nil
		},
		write: func(all []Secret) string {
			items := make([]string, len(all))
			for i, s := range all {
				items[i] = s.Reveal()
			}
			return strings.Join(items, ",")
		},
	}
}
