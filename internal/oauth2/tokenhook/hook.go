// Package tokenhook calls the configured token hooks before tokens are issued. A hook may deny
// the tokens or add claims to them.
//
// Requests and responses are those of Ory Hydra's token hook and refresh hook, so that
// existing hooks work unchanged.
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
	// ErrDenied reports that a hook denied the tokens.
	ErrDenied = errors.New("denied by a hook")
	// ErrFailed reports an invalid response of a hook.
	ErrFailed = errors.New("hook failed")
)

// Caller calls a hook. Its errors are for the log, except for temporary ones such as
// [client.ErrBusy].
type Caller interface {
	Call(ctx context.Context, body []byte) (status int, answer []byte, err error)
}

// Subject is the input of a hook.
type Subject struct {
	GrantType       string
	ClientID        string
	RequestedScopes []string
	Scopes          []string // that are granted
	Audience        []string
	Assertion       string // the presented code or refresh token, if any

	User  User // nil if the client acts for itself
	Extra grant.ExtraClaims
	Style Style
}

// User is the user that the tokens are issued for.
type User struct {
	Subject       string // of the account, which pairwise clients do not receive
	ClientSubject string // as the client receives it
	Username      string
	Issuer        string
	AuthTime      int64 // seconds since 1970; 0 if unknown
	ACR           string
	AMR           []string
	Nonce         string
	Now           time.Time
}

// Style is the format of added claims in access tokens.
type Style struct {
	TopLevel []string
	Mirror   bool
}

// Tokens calls a token hook. It returns the new extra claims.
func Tokens(ctx context.Context, to Caller, s *Subject) (grant.ExtraClaims, error) {
	content := tokenRequest{Session: s.session(), Request: request{
		requester: s.requester(), RequestedScopes: full(s.RequestedScopes), Payload: map[string][]string{},
	}}
	if s.Assertion != "" {
		content.Request.Payload["assertion"] = []string{s.Assertion}
	}
	return call(ctx, to, content, s.Extra)
}

// Refresh calls a refresh hook.
func Refresh(ctx context.Context, to Caller, s *Subject) (grant.ExtraClaims, error) {
	return call(ctx, to, refreshRequest{
		Subject: s.User.Subject, Session: s.session(), Requester: s.requester(),
		ClientID: s.ClientID, Scopes: full(s.Scopes), Audience: full(s.Audience),
	}, s.Extra)
}

// answer is the response of a hook.
type answer struct {
	Session *struct {
		AccessToken json.RawMessage `json:"access_token"`
		IDToken     json.RawMessage `json:"id_token"`
	} `json:"session"`
}

// call calls a hook. Its response replaces the previous extra claims, except for the forced
// subject, which is not a claim.
func call(ctx context.Context, to Caller, about any, before grant.ExtraClaims) (grant.ExtraClaims, error) {
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
		return before, fmt.Errorf("%w: status %d", ErrFailed, status)
	}
	var parsed answer
	if err := json.Unmarshal(text, &parsed); err != nil || parsed.Session == nil {
		return before, fmt.Errorf("%w: the response has no session", ErrFailed)
	}
	after := grant.ExtraClaims{ForcedSubject: before.ForcedSubject}
	if after.IDToken, err = added(parsed.Session.IDToken, grant.ProtocolClaims()); err != nil {
		return before, fmt.Errorf("%w: session.id_token %w", ErrFailed, err)
	}
	if after.AccessToken, err = added(parsed.Session.AccessToken, nil); err != nil {
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
