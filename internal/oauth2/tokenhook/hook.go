// Package tokenhook asks the operator's programs about tokens that are about to be given
// out: whether they may be, and what is said in them beside what the protocol says.
//
// The requests and answers are those of Ory Hydra's token hook and refresh hook, so
// that a program written for them works unchanged. The older form of the refresh hook
// is part of the newer one.
package tokenhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
)

var (
	// ErrDenied reports that a hook wants no tokens to be given out.
	ErrDenied = errors.New("denied by a hook")
	// ErrFailed reports that a hook did not answer as it should.
	ErrFailed = errors.New("hook failed")
)

// Caller reaches a program of the operator's. Its errors are for the log, but for those
// that are temporary, as [client.ErrBusy] is.
type Caller interface {
	Call(ctx context.Context, body []byte) (status int, answer []byte, err error)
}

// Subject is what a hook is asked about.
type Subject struct {
	GrantType       string
	ClientID        string
	RequestedScopes []string
	Scopes          []string // that are granted
	Audience        []string
	Assertion       string // that is brought, if any

	Person Person // the client itself, where there is no person
	Extra  grant.ExtraClaims
	Style  Style
}

// Person is for whom the tokens are.
type Person struct {
	Subject  string // as we know them
	KnownAs  string // as the client does
	Username string
	Issuer   string
	AuthTime int64 // seconds since 1970; 0 is none
	ACR      string
	AMR      []string
	Nonce    string
	Now      time.Time
}

// Style is how access tokens show what is added to them.
type Style struct {
	TopLevel []string
	Mirror   bool
}

// Tokens asks a token hook. It returns what is said in tokens from now on.
func Tokens(ctx context.Context, to Caller, s *Subject) (grant.ExtraClaims, error) {
	asked := tokenRequest{Session: s.session(), Request: request{
		requester: s.requester(), RequestedScopes: full(s.RequestedScopes), Payload: map[string][]string{},
	}}
	if s.Assertion != "" {
		asked.Request.Payload["assertion"] = []string{s.Assertion}
	}
	return ask(ctx, to, asked, s.Extra)
}

// Refresh asks a refresh hook.
func Refresh(ctx context.Context, to Caller, s *Subject) (grant.ExtraClaims, error) {
	return ask(ctx, to, refreshRequest{
		Subject: s.Person.Subject, Session: s.session(), Requester: s.requester(),
		ClientID: s.ClientID, Scopes: full(s.Scopes), Audience: full(s.Audience),
	}, s.Extra)
}

// answer is what a hook says.
type answer struct {
	Session *struct {
		AccessToken json.RawMessage `json:"access_token"`
		IDToken     json.RawMessage `json:"id_token"`
	} `json:"session"`
}

// ask asks a hook. What it answers takes the place of what was said before, but for the
// name that the client has for the person, which is no claim.
func ask(ctx context.Context, to Caller, about any, before grant.ExtraClaims) (grant.ExtraClaims, error) {
	body, err := json.Marshal(about)
	if err != nil {
		return before, fmt.Errorf("%w: %w", ErrFailed, err)
	}
	status, text, err := to.Call(ctx, body)
	switch {
	case err != nil:
		return before, fmt.Errorf("%w: %w", ErrFailed, err)
	case status == http.StatusNoContent:
		return before, nil
	case status == http.StatusForbidden:
		return before, ErrDenied
	case status != http.StatusOK:
		return before, fmt.Errorf("%w: answered %d", ErrFailed, status)
	}
	var said answer
	if err := json.Unmarshal(text, &said); err != nil || said.Session == nil {
		return before, fmt.Errorf("%w: the answer has no session", ErrFailed)
	}
	after := grant.ExtraClaims{ForcedSubject: before.ForcedSubject}
	if after.IDToken, err = added(said.Session.IDToken, grant.ProtocolClaims()); err != nil {
		return before, fmt.Errorf("%w: session.id_token %w", ErrFailed, err)
	}
	if after.AccessToken, err = added(said.Session.AccessToken, nil); err != nil {
		return before, fmt.Errorf("%w: session.access_token %w", ErrFailed, err)
	}
	return after, nil
}

func added(raw json.RawMessage, reserved []string) (json.RawMessage, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	return grant.AddedClaims(raw, reserved)
}
