package authrequest

import (
	"encoding/json"
	"errors"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/grant"
)

// ErrOtherSubject reports that a login app accepted a request with skip for another subject
// than the session's.
var ErrOtherSubject = errors.New("another subject than the session's")

// LoginAnswer is the login app's answer to a request, without the subject.
type LoginAnswer struct {
	Remember                  bool            `json:"remember,omitempty"`
	RememberFor               int64           `json:"remember_for,omitempty"` // seconds; 0 is the configured maximum
	Extend                    bool            `json:"extend,omitempty"`       // extend the session that the user continues
	ACR                       string          `json:"acr,omitempty"`
	AMR                       []string        `json:"amr,omitempty"`
	Context                   json.RawMessage `json:"context,omitempty"` // for the consent app
	ForcedSubject             string          `json:"known_as,omitempty"`
	IdentityProviderSessionID string          `json:"provider_session,omitempty"`
	Refusal                   *Refusal        `json:"refusal,omitempty"`
}

// ConsentAnswer is the consent app's answer to a request.
type ConsentAnswer struct {
	Scopes      []string          `json:"scopes,omitempty"`
	Resources   []string          `json:"resources,omitempty"`
	Details     detail.List       `json:"authorization_details,omitempty"`
	Remember    bool              `json:"remember,omitempty"`
	RememberFor int64             `json:"remember_for,omitempty"` // seconds; 0 is the configured maximum
	ExtraClaims grant.ExtraClaims `json:"extra,omitzero"`
	Refusal     *Refusal          `json:"refusal,omitempty"`
}

// Refusal is the error response that an app chose for the client when it rejected a request.
type Refusal struct {
	Code        string `json:"code"`
	Description string `json:"description,omitempty"`
}

// User is the account of the subject that a login app named. Known is false if there is none.
type User struct {
	Known    bool
	Disabled bool // the account is disabled, or its sessions were revoked after this sign-in
	Username string
	Claims   json.RawMessage
	Released account.Released
}
