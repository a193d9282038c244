package config

import (
	"errors"
	"net/url"
	"strings"
)

// HookPlace selects the part of a hook request that carries its credential.
type HookPlace string

// Values of [HookPlace].
const (
	HookHeader HookPlace = "header"
	HookCookie HookPlace = "cookie"
)

// Hook configures a token hook: its URL, and the credential that requests to it carry. If
// AuthName is empty, they carry none.
type Hook struct {
	URL       string
	AuthIn    HookPlace
	AuthName  string
	AuthValue Secret
}

// hookKeys returns the settings of one hook, with names that begin with name.
func hookKeys(name, doc string, at func(*Config) *Hook) []key {
	return []key{
		field(name+"_url", serviceURL(), func(c *Config) *string { return &at(c).URL }, doc),
		field(name+"_auth_in", oneOf(HookHeader, HookCookie), func(c *Config) *HookPlace { return &at(c).AuthIn },
			"Whether requests to it carry their credential in a header or a cookie."),
		field(name+"_auth_name", headerName(), func(c *Config) *string { return &at(c).AuthName },
			"The name of that header or cookie."),
		field(name+"_auth_value", credential(), func(c *Config) *Secret { return &at(c).AuthValue },
			"The value of that header or cookie, which authenticates this server."),
	}
}

// conflict returns an error in the combination of a hook's settings, with the suffix of the
// key, or "".
func (h *Hook) conflict() (suffix, problem string) {
	switch {
	case h.URL == "" && (h.AuthName != "" || !h.AuthValue.Empty()):
		return "_url", "is missing, but auth_name or auth_value is set"
	case h.AuthName == "" && !h.AuthValue.Empty():
		return "_auth_name", "is missing, but auth_value is set"
	case h.AuthName != "" && h.AuthValue.Empty():
		return "_auth_value", "is missing, but auth_name is set"
	default:
		return "", ""
	}
}

// serviceURL accepts URLs of services in any network.
func serviceURL() kind[string] {
	return kind[string]{
		allowed: "an absolute https URL; http only in a trusted network",
		parse: func(text string) (string, error) {
			u, err := url.Parse(text)
			switch {
			case text == "":
				return "", nil
			case err != nil || u.Hostname() == "":
				return "", errors.New("is not an absolute URL")
			case u.Scheme != "https" && u.Scheme != "http":
				return "", errors.New("has a scheme other than https and http")
			case u.User != nil:
				return "", errors.New("contains a user name")
			case strings.Contains(text, "#"):
				return "", errors.New("has a fragment")
			}
			return text, nil
		},
		write: func(text string) string { return text },
	}
}

// headerName accepts names of headers and cookies, except headers that control how a
// request is read.
//
// Spec: RFC 9110 §5.6.2.
func headerName() kind[string] {
	return kind[string]{
		allowed: "the name of a header or cookie",
		parse: func(text string) (string, error) {
			const others = "!#$%&'*+-.^_`|~"
			invalid := func(c rune) bool {
				return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && !strings.ContainsRune(others, c)
			}
			if strings.ContainsFunc(text, invalid) {
				return "", errors.New("is not a valid header or cookie name")
			}
			switch strings.ToLower(text) {
			case "host", "content-type", "content-length", "content-encoding", "transfer-encoding", "connection", "cookie":
				return "", errors.New("is a reserved header")
			}
			return text, nil
		},
		write: func(text string) string { return text },
	}
}

// credential accepts secrets that can be sent in a header.
func credential() kind[Secret] {
	return kind[Secret]{
		allowed: "printable ASCII",
		secret:  true,
		parse: func(text string) (Secret, error) {
			if strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' }) {
				return Secret{}, errors.New("contains a character that is not printable ASCII")
			}
			return NewSecret(text), nil
		},
		write: Secret.Reveal,
	}
}
