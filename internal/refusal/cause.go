// Package refusal explains rejected requests.
//
// A [Cause] is the internal reason of a rejected request: a stable rule, a text, and the
// values that the check compared, such as the registered and the received redirect URI.
// Errors carry it from the failed check to the handler, which passes it to the middleware
// with [Note]. Only the middleware ([Reporter]) writes it: one log line per rejected
// request, and one [Record] for the [Recorder], which keeps the newest records in memory
// and writes them to the database in batches.
//
// The response shows no more than the specification allows, regardless of the cause. A
// cause has registered names and shortened received addresses. It never has a credential
// or another value from the request.
package refusal

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Cause explains a rejected request. It is an error, so that checks can return it and
// protocol errors can wrap it.
type Cause struct { //nolint:errname // a cause that errors wrap
	// Rule is the stable identifier of the check that failed.
	Rule Rule
	// Text describes the failed check. It is constant, without values from the request.
	Text string
	// Attrs are the values that the check compared.
	Attrs []Attr
	// GrantID is the grant of the request, or empty.
	GrantID string
	// Warn raises the log line to WARN, because the request can be an attack.
	Warn bool
	// Err is the error that callers match with errors.Is and errors.As, or nil.
	Err error
}

// Attr is a named value that explains a cause. Make it with [Registered], [Received],
// [At] or [Seconds].
type Attr struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// New returns a cause. The text is constant.
func New(rule Rule, text string, attrs ...Attr) *Cause {
	return &Cause{Rule: rule, Text: text, Attrs: attrs}
}

// Wrap returns err with a cause: errors.Is and errors.As still find err.
func Wrap(err error, rule Rule, text string, attrs ...Attr) *Cause {
	return &Cause{Rule: rule, Text: text, Attrs: attrs, Err: err}
}

// WithGrant sets the grant of the request, and returns c.
func (c *Cause) WithGrant(id string) *Cause {
	c.GrantID = id
	return c
}

// WithError sets the error that c explains, and returns c.
func (c *Cause) WithError(err error) *Cause {
	c.Err = err
	return c
}

// AsWarning raises the log line to WARN, and returns c.
func (c *Cause) AsWarning() *Cause {
	c.Warn = true
	return c
}

// Error returns the rule and the text.
func (c *Cause) Error() string { return string(c.Rule) + ": " + c.Text }

// Unwrap returns the error that the cause explains.
func (c *Cause) Unwrap() error { return c.Err }

// Of returns the cause that err carries, or nil.
func Of(err error) *Cause {
	c, _ := errors.AsType[*Cause](err)
	return c
}

// ParameterAttr is the name of the attribute with the parameter that a check is about.
const ParameterAttr = "parameter"

// MaxValue bounds the value of an attribute, in characters.
const MaxValue = 200

// Registered returns an attribute with a value of this server, such as a registered redirect
// URI, a client authentication method or a scope.
func Registered(name, value string) Attr { return Attr{name, cut(value)} }

// Received returns an attribute with a URL from the request. User information, the values of
// the query and the fragment are masked, because they can contain credentials.
func Received(name, address string) Attr { return Attr{name, cut(mask(address))} }

// At returns an attribute with a time.
func At(name string, t time.Time) Attr {
	if t.IsZero() {
		return Attr{name, ""}
	}
	return Attr{name, t.UTC().Format(time.RFC3339Nano)}
}

// Number returns an attribute with a number.
func Number(name string, n int64) Attr { return Attr{name, strconv.FormatInt(n, 10)} }

// Seconds returns an attribute with a duration, whose name must end in _seconds.
func Seconds(name string, d time.Duration) Attr {
	return Attr{name, strconv.FormatFloat(d.Seconds(), 'f', -1, 64)}
}

// cut limits the length of a value and replaces control characters, which could break a log
// line or a terminal.
func cut(value string) string {
	value = strings.Map(func(c rune) rune {
		if c < 0x20 || c == 0x7f || c >= 0x80 && c < 0xa0 || c == 0xfffd || c == 0x2028 || c == 0x2029 {
			return '?'
		}
		return c
	}, value)
	n := 0
	for i := range value {
		if n == MaxValue {
			return value[:i]
		}
		n++
	}
	return value
}

// mask removes user information, the values of the query and the fragment from a URL. It does
// not use a parser, because received URLs can be malformed.
func mask(address string) string {
	address, _, fragment := strings.Cut(address, "#")
	address, query, hasQuery := strings.Cut(address, "?")
	if scheme, rest, ok := strings.Cut(address, "//"); ok {
		authority, path, hasPath := strings.Cut(rest, "/")
		if at := strings.LastIndexByte(authority, '@'); at >= 0 {
			authority = "***" + authority[at:]
		}
		address = scheme + "//" + authority
		if hasPath {
			address += "/" + path
		}
	}
	if hasQuery {
		address += "?" + maskQuery(query)
	}
	if fragment {
		address += "#***"
	}
	return address
}

func maskQuery(query string) string {
	parts := strings.Split(query, "&")
	for i, part := range parts {
		name, _, ok := strings.Cut(part, "=")
		switch {
		case ok:
			parts[i] = name + "=***"
		case part != "":
			parts[i] = "***"
		}
	}
	return strings.Join(parts, "&")
}
