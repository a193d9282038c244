package token

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/scope"
)

// unchanged is a hook that changes nothing.
type unchanged struct{}

func (unchanged) Call(context.Context, []byte) (int, []byte, error) {
	return http.StatusNoContent, nil, nil
}

// issuing is an issuer that counts.
type issuing struct{ count int }

func (i *issuing) Issue(context.Context, *tokens.Request) (tokens.Tokens, error) {
	i.count++
	return tokens.Tokens{AccessToken: "token"}, nil
}

func TestNoTokenIsIssuedWithoutCallingTheHooks(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		hooks      Hooks
		grantTypes []string
	}{
		"token hook":   {Hooks{Token: unchanged{}}, client.GrantTypes()},
		"refresh hook": {Hooks{Refresh: unchanged{}}, []string{client.GrantRefreshToken}},
	} {
		h := New(Config{Hooks: tc.hooks})
		for _, g := range h.grants {
			issuer := &issuing{}
			x := &Exchange{Client: &client.Client{ID: "rp"}, spec: g.Spec()}
			_, err := h.issue(t.Context(), x, &Basis{}, &Redeemed{Issuer: issuer}, scope.Access{})
			mustAsk := slices.Contains(tc.grantTypes, g.Spec().Type)
			if got := errors.Is(err, errHooksNotCalled); got != mustAsk || (issuer.count == 0) != mustAsk {
				t.Errorf("%s, %s: error %v after %d issued tokens, want an error: %v", name, g.Spec().Type, err, issuer.count, mustAsk)
			}
			x.hooksCalled = true
			if _, err := h.issue(t.Context(), x, &Basis{}, &Redeemed{Issuer: issuer}, scope.Access{}); err != nil {
				t.Errorf("%s, %s: error %v after the hooks were called", name, g.Spec().Type, err)
			}
		}
	}
}

// The table has each grant type that a client can register, once.
func TestEachGrantTypeIsInTheTable(t *testing.T) {
	t.Parallel()

	var served []string
	for _, g := range New(Config{}).grants {
		served = append(served, g.Spec().Type)
	}
	want := client.GrantTypes()
	slices.Sort(served)
	slices.Sort(want)
	if !slices.Equal(served, want) {
		t.Errorf("the table serves %q, clients can register %q", served, want)
	}
}
