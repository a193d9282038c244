package grant

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
)

// ErrOtherSubject reports that a login app named somebody else than who was to go
// on without signing in.
var ErrOtherSubject = errors.New("another subject than the session's")

// Step is what an app of the operator's is asked about an authorization request.
type Step byte

// The steps. Each is the last digit of its challenges.
const (
	StepLogin   Step = '1'
	StepConsent Step = '2'
	StepLogout  Step = '3'
	StepDevice  Step = '4'
)

// Challenge returns the name under which an app asks for what has the id.
func (s Step) Challenge(id string) string { return id + string(s) }

// NewRequestID returns a fresh id of an authorization request, of 124 random bits
// in 31 hexadecimal digits: with the digit of a step it is a challenge.
func NewRequestID() string { return random(16)[:31] }

// Challenge returns the name under which an app asks for the request.
func (r *Request) Challenge(s Step) string { return s.Challenge(r.ID) }

// ParseChallenge returns the id of the request of a challenge, and whether it can
// be one of the step.
func ParseChallenge(challenge string, s Step) (id string, ok bool) {
	id, ok = strings.CutSuffix(challenge, string(s))
	return id, ok && len(id) == 31 && strings.Trim(id, "0123456789abcdef") == ""
}

// NewVerifier returns what a person brings back from an app that has answered the
// challenge: the challenge and 128 random bits more, in 64 hexadecimal digits.
func NewVerifier(challenge string) string { return challenge + random(16) }

// ParseVerifier returns the id of the request of a verifier, and what the store
// knows the verifier by.
func ParseVerifier(verifier string, s Step) (id string, hash []byte, ok bool) {
	if len(verifier) != 64 {
		return "", nil, false
	}
	id, ok = ParseChallenge(verifier[:32], s)
	return id, HashVerifier(verifier), ok
}

// HashVerifier returns what the store knows a verifier by.
func HashVerifier(verifier string) []byte {
	sum := sha256.Sum256([]byte(verifier))
	return sum[:]
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	return hex.EncodeToString(b)
}

// LoginAnswer is what a login app said about a request, beside the subject.
type LoginAnswer struct {
	Remember                  bool            `json:"remember,omitempty"`
	RememberFor               int64           `json:"remember_for,omitempty"` // seconds; 0 is as long as the operator allows
	Extend                    bool            `json:"extend,omitempty"`       // the session that the person goes on in
	ACR                       string          `json:"acr,omitempty"`
	AMR                       []string        `json:"amr,omitempty"`
	Context                   json.RawMessage `json:"context,omitempty"` // for the consent app
	ForcedSubject             string          `json:"known_as,omitempty"`
	IdentityProviderSessionID string          `json:"provider_session,omitempty"`
	Refusal                   *Refusal        `json:"refusal,omitempty"`
}

// ConsentAnswer is what a consent app said about a request.
type ConsentAnswer struct {
	Scopes      []string    `json:"scopes,omitempty"`
	Resources   []string    `json:"resources,omitempty"`
	Remember    bool        `json:"remember,omitempty"`
	RememberFor int64       `json:"remember_for,omitempty"` // seconds; 0 is as long as the operator allows
	ExtraClaims ExtraClaims `json:"extra,omitzero"`
	Refusal     *Refusal    `json:"refusal,omitempty"`
}

// Refusal is the error that the client gets when an app refuses a request.
type Refusal struct {
	Code        string `json:"code"`
	Description string `json:"description,omitempty"`
}

// ExtraClaims is what the operator's apps add to what tokens say.
type ExtraClaims struct {
	IDToken     json.RawMessage `json:"id_token,omitempty"`     // claims of ID tokens and userinfo
	AccessToken json.RawMessage `json:"access_token,omitempty"` // the claim ext of access tokens
	// ForcedSubject is the name under which the client knows the person, if the login app
	// chose one.
	ForcedSubject string `json:"known_as,omitempty"`
}

// SubjectFor returns the name under which the grant's client knows the person:
// name, unless the login app chose another one.
func (g *Grant) SubjectFor(name string) string {
	if g.Authorization.ExtraClaims.ForcedSubject != "" {
		return g.Authorization.ExtraClaims.ForcedSubject
	}
	return name
}

// RequestedUser is whom a login app named, as far as they are known here.
type RequestedUser struct {
	Known    bool
	Disabled bool // may not sign in, or has cut off this sign-in
	Username string
	Claims   json.RawMessage
}
