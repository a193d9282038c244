// Package refusal explains rejected requests.
//
// A [Cause] is the internal reason of a rejected request: a stable rule, the cause in
// words, and what an operator needs to compare, such as the registered and the received
// redirect URI. Errors carry it from the check that fails to the handler, which hands it
// to the edge by [Note]. The edge alone ([Reporter]) writes it: one log line for each
// rejected request, and one [Record] for the [Recorder], which keeps the newest in
// memory and writes them to the database in batches.
//
// The protocol's response says no more than the specification allows, whatever the cause.
// A cause holds registered names and received addresses, which are shortened. It never
// holds a credential or anything else that came with the request.
package refusal

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Cause is why a request was rejected. It is an error, so that it can be returned, or
// wrapped by a protocol error, on the way to the handler.
type Cause struct { //nolint:errname // the cause of an error, and an error so that it can be wrapped
	// Rule is the stable identifier of the check that failed.
	Rule Rule
	// Words say what happened. They are a fixed text, without anything received.
	Words string
	// Attrs are what the check compared.
	Attrs []Attr
	// GrantID is the grant that the request was about, if there is one.
	GrantID string
	// Warn raises the log line to WARN, for what may be an attack.
	Warn bool
	// Err is the error that callers match with errors.Is and errors.As. It may be nil.
	Err error
}

// Attr is a named value that explains a cause. Make it with [Registered], [Received],
// [At] or [Seconds].
type Attr struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// New returns a cause. The words are a fixed text.
func New(rule Rule, words string, attrs ...Attr) *Cause {
	return &Cause{Rule: rule, Words: words, Attrs: attrs}
}

// Wrap returns err with a cause: errors.Is and errors.As still find err.
func Wrap(err error, rule Rule, words string, attrs ...Attr) *Cause {
	return &Cause{Rule: rule, Words: words, Attrs: attrs, Err: err}
}

// OfGrant notes which grant the request was about, and returns c.
func (c *Cause) OfGrant(id string) *Cause {
	c.GrantID = id
	return c
}

// Because sets the error that c explains, and returns c.
func (c *Cause) Because(err error) *Cause {
	c.Err = err
	return c
}

// AsWarning raises the log line to WARN, and returns c.
func (c *Cause) AsWarning() *Cause {
	c.Warn = true
	return c
}

// Error returns the rule and the words.
func (c *Cause) Error() string { return string(c.Rule) + ": " + c.Words }

// Unwrap returns the error that the cause explains.
func (c *Cause) Unwrap() error { return c.Err }

// Of returns the cause that err carries, or nil.
func Of(err error) *Cause {
	c, _ := errors.AsType[*Cause](err)
	return c
}

// MaxValue bounds the value of an attribute, in characters.
const MaxValue = 200

// Registered returns an attribute with a value of ours, such as a registered redirect
// URI, a client authentication method or a scope.
func Registered(name, value string) Attr { return Attr{name, cut(value)} }

// Received returns an attribute with an address that came with the request. User
// information, the values of the query and the fragment are masked: they may hold
// credentials.
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

// cut bounds a value and replaces what would break a line of a log or a terminal.
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

// mask returns an address without its user information, the values of its query and its
// fragment. It never parses: received addresses may be malformed.
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
