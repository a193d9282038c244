package authrequest

import (
	"encoding/json"
	"errors"

	"github.com/ostiary/ostiary/internal/grant"
)

// ErrOtherSubject reports that a login app named somebody else than who was to go
// on without signing in.
var ErrOtherSubject = errors.New("another subject than the session's")

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
	Scopes      []string          `json:"scopes,omitempty"`
	Resources   []string          `json:"resources,omitempty"`
	Remember    bool              `json:"remember,omitempty"`
	RememberFor int64             `json:"remember_for,omitempty"` // seconds; 0 is as long as the operator allows
	ExtraClaims grant.ExtraClaims `json:"extra,omitzero"`
	Refusal     *Refusal          `json:"refusal,omitempty"`
}

// Refusal is the error that the client gets when an app refuses a request.
type Refusal struct {
	Code        string `json:"code"`
	Description string `json:"description,omitempty"`
}

// User is whom a login app named, as far as they are known here.
type User struct {
	Known    bool
	Disabled bool // may not sign in, or has cut off this sign-in
	Username string
	Claims   json.RawMessage
}
