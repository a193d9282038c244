package config

import (
	"errors"
	"net/url"
	"strings"
)

// hookKeys are the settings of one hook, under names that begin with name.
func hookKeys(name, what string, at func(*Config) *Hook) []key {
	return []key{
		field(name+"_url", program(), func(c *Config) *string { return &at(c).URL }, what),
		field(name+"_auth_in", oneOf(HookHeader, HookCookie), func(c *Config) *HookPlace { return &at(c).AuthIn },
			"Where it is shown what it knows this server by."),
		field(name+"_auth_name", token(), func(c *Config) *string { return &at(c).AuthName },
			"The name of that header or cookie."),
		field(name+"_auth_value", credential(), func(c *Config) *Secret { return &at(c).AuthValue },
			"What it is shown."),
	}
}

// disagreement is what is wrong with a hook that no key has alone.
func (h *Hook) disagreement() (suffix, problem string) {
	switch {
	case h.URL == "" && (h.AuthName != "" || !h.AuthValue.Empty()):
		return "_url", "is missing beside what it is shown"
	case h.AuthName == "" && !h.AuthValue.Empty():
		return "_auth_name", "is missing beside the value"
	case h.AuthName != "" && h.AuthValue.Empty():
		return "_auth_value", "is missing beside the name"
	default:
		return "", ""
	}
}

// program is where a program of the operator's own listens, in whatever network.
func program() kind[string] {
	return kind[string]{
		allowed: "an absolute https URL; http in a network that nobody else listens in",
		parse: func(text string) (string, error) {
			u, err := url.Parse(text)
			switch {
			case text == "":
				return "", nil
			case err != nil || u.Hostname() == "":
				return "", errors.New("is not an absolute URL")
			case u.Scheme != "https" && u.Scheme != "http":
				return "", errors.New("has a scheme that is neither https nor http")
			case u.User != nil:
				return "", errors.New("holds a user name")
			case strings.Contains(text, "#"):
				return "", errors.New("has a fragment")
			}
			return text, nil
		},
		write: func(text string) string { return text },
	}
}

// token is a name as headers and cookies have (RFC 9110 section 5.6.2), but for those
// that say how a request is to be read.
func token() kind[string] {
	return kind[string]{
		allowed: "the name of a header or cookie",
		parse: func(text string) (string, error) {
			const others = "!#$%&'*+-.^_`|~"
			strange := func(c rune) bool {
				return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && !strings.ContainsRune(others, c)
			}
			if strings.ContainsFunc(text, strange) {
				return "", errors.New("is no such name")
			}
			switch strings.ToLower(text) {
			case "host", "content-type", "content-length", "content-encoding", "transfer-encoding", "connection", "cookie":
				return "", errors.New("is a header with a meaning of its own")
			}
			return text, nil
		},
		write: func(text string) string { return text },
	}
}

// credential is a secret that travels in a header.
func credential() kind[Secret] {
	return kind[Secret]{
		allowed: "a text of printable ASCII",
		secret:  true,
		parse: func(text string) (Secret, error) {
			if strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' }) {
				return Secret{}, errors.New("holds what no header may")
			}
			return NewSecret(text), nil
		},
		write: Secret.Reveal,
	}
}
