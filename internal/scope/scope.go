// Package scope holds the definitions of scopes: their texts on the consent page, the claims
// that they release and in which tokens, and which clients may request them. It also
// limits the access of a grant (scopes, resources, claims requested by name) to what the
// client may have.
//
// It guarantees that a claim about a user is released only through a scope that the client
// may have at that time and that the user consented to.
package scope

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/grant"
)

var (
	// ErrNotFound reports a scope without a record.
	ErrNotFound = errors.New("scope not found")
	// ErrExists reports a name that has a record.
	ErrExists = errors.New("scope exists already")
	// ErrChanged reports a scope that was changed since it was read.
	ErrChanged = errors.New("the scope has changed")
	// ErrStandard reports an attempt to delete a scope of OpenID Connect Core.
	ErrStandard = errors.New("a scope of OpenID Connect Core cannot be deleted")
)

// Destination is a token or response that contains a claim.
type Destination string

// The destinations.
const (
	IDToken       Destination = "id_token"
	Userinfo      Destination = "userinfo"
	AccessToken   Destination = "access_token"
	Introspection Destination = "introspection"
)

// Destinations returns all destinations in display order.
func Destinations() []Destination {
	return []Destination{IDToken, Userinfo, AccessToken, Introspection}
}

// Scope is the definition of a scope.
type Scope struct {
	Name        string
	Title       string // for the consent page; default: the built-in title of a standard scope, else Name
	Description string
	// Claims maps the names of the released claims to their destinations.
	Claims map[string][]Destination
	// Attributes are those that the scope releases; see [WithAttributes]. They are not stored here.
	Attributes []*account.Attribute
	// SelfRegistration allows the scope to dynamically registered clients.
	SelfRegistration bool

	CreatedAt time.Time // zero for a built-in scope
	UpdatedAt time.Time
}

const (
	maxName        = 255 // bytes
	maxTitle       = 256 // bytes
	maxDescription = 1024
	maxClaims      = 100
	maxClaimName   = 256
)

// Check returns an error if the scope is invalid. Its text is printable ASCII without quotes,
// and contains no input of the caller except valid claim names.
//
// Spec: RFC 6749 §3.3, OpenID Connect Core §5.4.
func (s *Scope) Check() error {
	switch {
	case !IsToken(s.Name) || len(s.Name) > maxName:
		return errors.New("name must be 1 to 255 printable ASCII characters without space, quotation mark and backslash")
	case !readable(s.Title, maxTitle):
		return errors.New("title must be at most 256 bytes of text without control characters")
	case !readable(s.Description, maxDescription):
		return errors.New("description must be at most 1024 bytes of text without control characters")
	case len(s.Claims) > maxClaims:
		return errors.New("claims must be at most 100")
	case protocol(s.Name) && len(s.Claims) > 0:
		return errors.New("claims must be empty: the scope " + s.Name + " is built in")
	}
	for _, name := range slices.Sorted(maps.Keys(s.Claims)) {
		if err := checkClaim(name, s.Claims[name]); err != nil {
			return err
		}
	}
	for _, claim := range StandardClaimsOf(s.Name) {
		if !slices.Contains(s.Claims[claim], Userinfo) {
			return fmt.Errorf("claims must hold %s with userinfo: OpenID Connect Core section 5.4 defines it for this scope", claim)
		}
	}
	return nil
}

// checkClaim checks one claim of a record.
func checkClaim(name string, places []Destination) error {
	if !readable(name, maxClaimName) || name == "" {
		return errors.New("claims must have names of 1 to 256 bytes without control characters")
	}
	switch {
	case grant.ContainsClaim(grant.AccessTokenClaims(), name):
		return fmt.Errorf("claims must not hold %s: the server sets it", spelled(grant.AccessTokenClaims(), name))
	case slices.Contains(places, Introspection) && grant.ContainsClaim(grant.IntrospectionClaims(), name):
		return fmt.Errorf("claims must not hold %s with introspection: the server sets it there", spelled(grant.IntrospectionClaims(), name))
	}
	if len(places) == 0 {
		return errors.New("claims must name at least one place for each claim")
	}
	for i, place := range places {
		if !slices.Contains(Destinations(), place) {
			return errors.New("claims may be delivered in id_token, userinfo, access_token and introspection")
		}
		if slices.Contains(places[:i], place) {
			return errors.New("claims must name each place once")
		}
	}
	return nil
}

// spelled returns the one of names that name is in another spelling.
func spelled(names []string, name string) string {
	return names[slices.IndexFunc(names, func(one string) bool { return strings.EqualFold(one, name) })]
}

// IsToken reports whether text is a scope-token.
//
// Spec: RFC 6749 §3.3.
func IsToken(text string) bool {
	for _, c := range []byte(text) {
		if c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return text != ""
}

// readable reports whether text has at most so many bytes and shows all that is in it.
func readable(text string, most int) bool {
	hidden := func(r rune) bool {
		return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
	}
	return len(text) <= most && utf8.ValidString(text) && !strings.ContainsFunc(text, hidden)
}
