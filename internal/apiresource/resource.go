// Package apiresource holds the resources that the operator has declared: the services for which
// clients request access tokens (RFC 8707). A resource decides about its tokens: their scopes,
// format, signing algorithm and lifetime, whether they must be bound to a key, which clients may
// request them, which may introspect them, and whether one token may be for further resources.
package apiresource

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

var (
	// ErrNotFound reports a resource that is not declared.
	ErrNotFound = errors.New("resource not found")
	// ErrExists reports an identifier that is declared, with or without a slash at its end.
	ErrExists = errors.New("resource exists already")
	// ErrChanged reports a resource that was changed since it was read.
	ErrChanged = errors.New("the resource has changed")
)

// The formats of access tokens.
const (
	FormatJWT    = "jwt"
	FormatOpaque = "opaque"
)

// Algs returns the algorithms that can sign access tokens.
func Algs() []string { return []string{"ES256", "RS256", "PS256", "EdDSA"} }

// Resource is a declared resource.
type Resource struct {
	Definition

	CreatedAt time.Time
	UpdatedAt time.Time
}

// Definition is what the operator declares about a resource.
type Definition struct {
	// Identifier is an absolute URI without a fragment. It is the audience of tokens; see [Key].
	Identifier string `json:"identifier"`
	Name       string `json:"name"` // on the consent page
	// Scopes limit those of the tokens for the resource; none does not.
	Scopes []string `json:"scopes,omitempty"`
	// Format and Alg are those of its tokens, and Lifetime their lifetime in seconds; the zero
	// value is that of the client or the server.
	Format   string `json:"access_token_format,omitempty"` // FormatJWT or FormatOpaque
	Alg      string `json:"access_token_signing_alg,omitempty"`
	Lifetime int64  `json:"access_token_lifetime,omitempty"`
	// RequireSenderConstraint requires that its tokens are bound to a key or certificate.
	RequireSenderConstraint bool `json:"require_sender_constraint,omitempty"`
	// SharedTokens allows tokens for this and further resources.
	SharedTokens bool `json:"shared_tokens,omitempty"`
	// AllClients allows every client to request the resource. Otherwise those in Clients may, and
	// those whose audience has it.
	AllClients bool     `json:"all_clients,omitempty"`
	Clients    []string `json:"clients,omitempty"`
	// IntrospectionClients may introspect its tokens, as those whose served resources have it.
	IntrospectionClients []string `json:"introspection_clients,omitempty"`
}

const (
	maxIdentifier = 256 // bytes
	maxName       = 256 // bytes
	maxList       = 100
	maxClientID   = 256 // bytes
	maxLifetime   = 366 * 24 * time.Hour
)

// Requested returns the values of the parameters resource and audience of a form, each once.
// Clients of other servers send audience.
//
// Spec: RFC 8707 §2.
func Requested(form map[string][]string) (identifiers []string) {
	for _, list := range [][]string{form["resource"], form["audience"]} {
		for _, value := range list {
			for identifier := range strings.FieldsSeq(value) {
				if !slices.Contains(identifiers, identifier) {
					identifiers = append(identifiers, identifier)
				}
			}
		}
	}
	return identifiers
}

// Check returns an error if the definition is invalid, apart from the names of scopes. Its text is
// printable ASCII without quotes and contains no input of the caller.
//
// Spec: RFC 8707 §2.
func (d *Definition) Check() error {
	badID := func(id string) bool { return id == "" || len(id) > maxClientID || !readable(id) }
	switch {
	case !IsIdentifier(d.Identifier) || len(d.Identifier) > maxIdentifier:
		return errors.New("identifier must be an absolute URI of at most 256 bytes without a fragment")
	case d.Name == "" || len(d.Name) > maxName || !readable(d.Name):
		return errors.New("name must be 1 to 256 bytes of text without control characters")
	case len(d.Scopes) > maxList:
		return errors.New("scopes must be at most 100")
	case d.Format != "" && d.Format != FormatJWT && d.Format != FormatOpaque:
		return errors.New("access_token_format must be jwt or opaque")
	case d.Alg != "" && !slices.Contains(Algs(), d.Alg):
		return errors.New("access_token_signing_alg must be one of " + strings.Join(Algs(), ", "))
	case d.Format == FormatOpaque && d.Alg != "":
		return errors.New("access_token_signing_alg must be empty for opaque tokens, which are not signed")
	case d.Lifetime < 0 || d.Lifetime > int64(maxLifetime/time.Second):
		return errors.New("access_token_lifetime must be a number of seconds, at most a year")
	case len(d.Clients) > maxList || slices.ContainsFunc(d.Clients, badID):
		return errors.New("clients must be at most 100 client IDs")
	case len(d.IntrospectionClients) > maxList || slices.ContainsFunc(d.IntrospectionClients, badID):
		return errors.New("introspection_clients must be at most 100 client IDs")
	}
	return nil
}

// readable reports whether text has no hidden characters.
func readable(text string) bool {
	hidden := func(r rune) bool {
		return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
	}
	return utf8.ValidString(text) && !strings.ContainsFunc(text, hidden)
}

// IsIdentifier reports whether text is an absolute URI without a fragment.
//
// Spec: RFC 8707 §2, RFC 3986 §4.3.
func IsIdentifier(text string) bool {
	for _, c := range []byte(text) {
		if c <= ' ' || c > '~' || strings.IndexByte("#\"\\<>^`{|}", c) >= 0 {
			return false
		}
	}
	u, err := url.Parse(text)
	return err == nil && u.Scheme != "" && (u.Host != "" || u.Opaque != "")
}

// Key returns the form in which identifiers are compared: without one slash at the end, in which
// clients differ.
func Key(identifier string) string { return strings.TrimSuffix(identifier, "/") }

// Find returns the element of list that identifies the same resource, and whether there is one.
func Find(list []string, identifier string) (string, bool) {
	i := slices.IndexFunc(list, func(one string) bool { return Key(one) == Key(identifier) })
	if i < 0 {
		return "", false
	}
	return list[i], true
}

// Within returns the resources of list that limits have, as limits spell them.
func Within(list, limits []string) []string {
	common := list[:0:0]
	for _, one := range list {
		if found, ok := Find(limits, one); ok && !slices.Contains(common, found) {
			common = append(common, found)
		}
	}
	return common
}
