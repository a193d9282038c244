package client

// Policy says what the one who describes a client may ask for.
type Policy struct {
	// SelfRegistered is set when the client describes itself (RFC 7591). What is
	// the operator's to give is then dropped, and so are scopes outside
	// AllowedScopes.
	SelfRegistered bool
	// DefaultScopes are those of a client that names none.
	DefaultScopes []string
	// AllowedScopes are those that a client may give itself.
	AllowedScopes []string
	// SigningAlgs are the algorithms that tokens for clients can be signed with;
	// none means RS256, PS256, ES256 and EdDSA.
	SigningAlgs []string
	// PlainRedirects lets redirect URIs be http beyond loopback addresses.
	PlainRedirects bool
	// PlainLoopback lets jwks_uri be http on a loopback address, for tests.
	PlainLoopback bool
}

// The error codes of RFC 7591 section 3.2.2.
const (
	InvalidRedirectURI = "invalid_redirect_uri"
	InvalidMetadata    = "invalid_client_metadata"
)

// Fault is one thing that is wrong with a client's metadata.
type Fault struct {
	Code   string // InvalidRedirectURI or InvalidMetadata
	Member string // under its RFC 7591 name
	Reason string // what it must be, in printable ASCII without quotation marks
}

// Error returns the member and the reason.
func (f Fault) Error() string { return f.Member + ": " + f.Reason }

// ParseMetadata reads the members that Metadata has from a JSON object.
func ParseMetadata(raw []byte) (Metadata, []Fault) { return Metadata{}, nil }

// Validate completes the metadata with the defaults and returns all that is wrong
// with it.
func (m *Metadata) Validate(p Policy) []Fault { return nil }
