package token

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/dpop"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/clientauth"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/store"
)

// phases records the phases of token requests, and plays every part of them. A phase in fails
// returns an error.
type phases struct {
	called []string
	fails  string
}

func (p *phases) record(phase string) error {
	p.called = append(p.called, phase)
	if p.fails == phase {
		return oauth2.NewError(oauth2.CodeInvalidRequest, phase)
	}
	return nil
}

func (p *phases) Authenticate(context.Context, *http.Request) (*client.Client, error) {
	c := &client.Client{ID: "rp"}
	c.GrantTypes = []string{"urn:example:dummy"}
	return c, p.record("authenticate")
}

func (p *phases) Scopes(context.Context) (*scope.Set, error) {
	return scope.NewSet(nil, nil, nil), p.record("scopes")
}

func (p *phases) Spec() Spec { return Spec{Type: "urn:example:dummy", Credential: "dummy"} }

func (p *phases) Check(context.Context, *Exchange) (Candidate, error) {
	return Candidate{
		Basis:  Basis{Subject: "rp", Access: scope.Access{Scopes: []string{"api"}}},
		Redeem: func(context.Context) (Redeemed, error) { return Redeemed{Issuer: p}, p.record("redeem") },
	}, p.record("check")
}

func (p *phases) Call(context.Context, []byte) (int, []byte, error) {
	status := http.StatusNoContent
	if p.record("hook") != nil {
		status = http.StatusForbidden
	}
	return status, nil, nil
}

func (p *phases) Issue(context.Context, *tokens.Request) (tokens.Tokens, error) {
	return tokens.Tokens{AccessToken: "token", ExpiresIn: time.Minute}, p.record("issue")
}

// serve sends a token request of the dummy grant.
func (p *phases) serve(changes ...string) *httptest.ResponseRecorder {
	h := &Handler{Config: Config{
		Authenticator: p, Scopes: p, Hooks: Hooks{Token: p}, Lifetimes: &tokens.Lifetimes{}, OneTime: &store.Replay{},
		Proofs: &clientauth.Proofs{Verifier: &dpop.Verifier{}, RequiresNonce: func(*client.Client) bool { return false }},
		Issued: func(string) { _ = p.record("count") }, Used: func(string) {}, Now: func() time.Time { return time.Unix(1_800_000_000, 0) },
	}, grants: []Grant{p}}
	form := url.Values{"grant_type": {"urn:example:dummy"}, "dummy": {"credential"}}
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, "/oauth2/token", nil)
	r.Form, r.PostForm = form, form
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// The handler runs all phases of an unknown grant type in their order, and stops at the first
// that fails.
func TestEachGrantTypePassesAllPhases(t *testing.T) {
	t.Parallel()
	all := []string{"authenticate", "scopes", "check", "hook", "redeem", "issue"}
	p := &phases{}
	if w := p.serve(); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"scope":"api"`) {
		t.Errorf("response %d %s, want tokens", w.Code, w.Body)
	}
	if want := append(slices.Clone(all), "count"); !slices.Equal(p.called, want) {
		t.Errorf("phases %q, want %q", p.called, want)
	}
	for i, phase := range all {
		p := &phases{fails: phase}
		if w := p.serve(); w.Code == http.StatusOK || strings.Contains(w.Body.String(), "access_token") {
			t.Errorf("%s fails: response %d %s, want an error", phase, w.Code, w.Body)
		}
		if !slices.Equal(p.called, all[:i+1]) {
			t.Errorf("%s fails: phases %q, want %q", phase, p.called, all[:i+1])
		}
	}
}

func TestGrantTypeIsCheckedBeforeTheGrant(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		changes []string
		code    string
	}{
		"no grant type":      {[]string{"grant_type", ""}, oauth2.CodeInvalidRequest},
		"unknown grant type": {[]string{"grant_type", "password"}, oauth2.CodeUnsupportedGrantType},
		"no credential":      {[]string{"dummy", ""}, oauth2.CodeInvalidRequest},
	} {
		p := &phases{}
		w := p.serve(tc.changes...)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `"error":"`+tc.code+`"`) || slices.Contains(p.called, "check") {
			t.Errorf("%s: %d %s after %q, want %s", name, w.Code, w.Body, p.called, tc.code)
		}
	}
}

func TestRefreshTokenPolicies(t *testing.T) {
	t.Parallel()
	for policy, want := range map[RefreshTokens][3]bool{
		NoRefreshToken:   {false, false, false},
		RefreshIfOffline: {false, true, false},
		AlwaysRefresh:    {true, true, true},
	} {
		c := &client.Client{}
		c.GrantTypes = []string{client.GrantRefreshToken}
		got := [3]bool{
			policy.issues(c, []string{"openid"}), policy.issues(c, []string{"openid", "offline_access"}),
			policy.issues(&client.Client{}, []string{"offline_access"}),
		}
		if got != want {
			t.Errorf("policy %d issues refresh tokens %v, want %v", policy, got, want)
		}
	}
}
