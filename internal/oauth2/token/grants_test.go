package token

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/url"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/scope"
)

var errLost = errors.New("connection refused")

func testNow() time.Time { return time.Unix(1_800_000_000, 0) }

// outcome is the result of each statement.
type outcome struct {
	grant   *grant.WithAccount
	err     error
	revoked grant.RevocationReason
}

func (o *outcome) LiveGrant(context.Context, grant.Locator, string, time.Time) (*grant.WithAccount, error) {
	return o.grant, o.err
}

func (o *outcome) RedeemCode(context.Context, grant.CodeRedemption) (*grant.WithAccount, error) {
	return o.grant, o.err
}

func (o *outcome) RotateRefresh(context.Context, grant.RefreshRotation) (*grant.WithAccount, error) {
	return o.grant, o.err
}

func (o *outcome) RevokeGrant(_ context.Context, _ grant.Locator, _ string, why grant.RevocationReason, _ time.Time) error {
	o.revoked = why
	return nil
}

func testCodec() *tokens.Codec {
	return tokens.NewCodec([]tokens.Key{{Tag: 1, Secret: bytes.Repeat([]byte{1}, 32)}})
}

func storedGrant() *grant.WithAccount {
	return &grant.WithAccount{Grant: grant.Grant{
		Locator: grant.Locator{ID: grant.NewID(testNow())}, Seed: bytes.Repeat([]byte{7}, 32), ClientID: "rp", Scopes: []string{"openid"},
		RefreshGeneration: 5, RefreshRotatedAt: testNow().Add(-time.Second), ExpiresAt: testNow().Add(time.Hour),
		Authorization: grant.Authorization{RedirectURI: "https://rp.example/callback"},
	}}
}

func testExchange(form url.Values) *Exchange {
	c := &client.Client{ID: "rp"}
	c.Scope = "openid"
	return &Exchange{Now: testNow(), Client: c, Registered: scope.NewSet(nil, nil, nil), Form: form}
}

func TestRefreshTokenGrant(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		generation uint32 // of the token that is presented; the store has generation 5
		seed       byte   // it was made with; the grant has 7
		rotatedAgo time.Duration
		err        error // of the statement
		want       error // nil for new tokens
		rule       refusal.Rule
		revoked    grant.RevocationReason
	}{
		"current":                            {generation: 4, seed: 7},
		"previous, a moment ago":             {generation: 4, seed: 7, err: grant.ErrStaleGeneration, rotatedAgo: time.Second},
		"previous, too long ago":             {generation: 4, seed: 7, err: grant.ErrStaleGeneration, rotatedAgo: time.Minute, want: grant.ErrNotFound, rule: refusal.RefreshReplayed, revoked: grant.RevokedForRefreshReuse},
		"two generations old, a moment ago":  {generation: 3, seed: 7, err: grant.ErrStaleGeneration, rotatedAgo: time.Second, want: grant.ErrNotFound, rule: refusal.RefreshReplayed, revoked: grant.RevokedForRefreshReuse},
		"made up by the holder of a secret":  {generation: 4, seed: 8, want: grant.ErrNotFound, rule: refusal.RefreshMalformed},
		"made up, and of an old generation":  {generation: 1, seed: 8, err: grant.ErrStaleGeneration, want: grant.ErrNotFound, rule: refusal.RefreshMalformed},
		"unknown, revoked or of another":     {generation: 4, seed: 7, err: grant.ErrNotFound, want: grant.ErrNotFound},
		"while the database cannot be found": {generation: 4, seed: 7, err: errLost, want: errLost},
	} {
		found := storedGrant()
		found.RefreshRotatedAt = testNow().Add(-tc.rotatedAgo)
		store := &outcome{grant: found, err: tc.err}
		g := &RefreshToken{Codec: testCodec(), Grants: store, Lifetimes: &tokens.Lifetimes{}, GracePeriod: 10 * time.Second}
		token := g.Codec.Make(tokens.Refresh, found.Locator, tc.generation, bytes.Repeat([]byte{tc.seed}, 32))
		candidate, err := g.Check(t.Context(), testExchange(url.Values{"refresh_token": {token}}))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		redeemed, err := candidate.Redeem(t.Context())
		if !errors.Is(err, tc.want) || tc.want == nil && (err != nil || redeemed.Grant != found || redeemed.Refresh != AlwaysRefresh || redeemed.Nonce != "") {
			t.Errorf("%s: %+v, %v, want %v", name, redeemed, err, tc.want)
		}
		if cause := refusal.Of(err); tc.rule != "" && (cause == nil || cause.Rule != tc.rule) {
			t.Errorf("%s: cause %v, want %s", name, cause, tc.rule)
		}
		if store.revoked != tc.revoked {
			t.Errorf("%s: revoked %q, want %q", name, store.revoked, tc.revoked)
		}
	}
	g := &RefreshToken{Codec: testCodec()}
	if _, err := g.Check(t.Context(), testExchange(url.Values{"refresh_token": {"garbage"}})); !errors.Is(err, grant.ErrNotFound) {
		t.Errorf("garbage: %v, want %v", err, grant.ErrNotFound)
	}
}

// A scope that was not granted is refused before the token is rotated.
func TestRefreshTokenSurvivesAMistake(t *testing.T) {
	t.Parallel()
	found := storedGrant()
	g := &RefreshToken{Codec: testCodec(), Grants: &outcome{grant: found}, Lifetimes: &tokens.Lifetimes{}}
	token := g.Codec.Make(tokens.Refresh, found.Locator, 5, found.Seed)
	_, err := g.Check(t.Context(), testExchange(url.Values{"refresh_token": {token}, "scope": {"openid admin"}}))
	if response, _ := errors.AsType[*oauth2.Error](err); response == nil || response.Code != oauth2.CodeInvalidScope {
		t.Errorf("Check = %v, want %s", err, oauth2.CodeInvalidScope)
	}
}

func TestAuthorizationCodeIsRedeemed(t *testing.T) {
	t.Parallel()
	const verifier, challenge = "a-verifier-of-43-characters-or-more-0123456789", "gwx_1ff33sP-Na7uzErlwZMg02IfMm0pwvZjX6iq0Jg"
	valid := url.Values{"redirect_uri": {"https://rp.example/callback"}, "code_verifier": {verifier}}
	for name, tc := range map[string]struct {
		form        url.Values
		seed        byte // the code was made with; the grant has 7
		redeemedAgo time.Duration
		err         error // of the statement
		want        error
		rule        refusal.Rule
	}{
		"fresh":                         {form: valid, seed: 7},
		"made up":                       {form: valid, seed: 8, want: grant.ErrNotFound, rule: refusal.CodeMalformed},
		"submitted twice":               {form: valid, seed: 7, redeemedAgo: time.Second, err: grant.ErrSpent, want: grant.ErrNotFound},
		"used again later":              {form: valid, seed: 7, redeemedAgo: time.Minute, err: grant.ErrSpent, want: grant.ErrSpent, rule: refusal.CodeReplayed},
		"used again without verifier":   {form: url.Values{"redirect_uri": valid["redirect_uri"]}, seed: 7, redeemedAgo: time.Second, err: grant.ErrSpent, want: grant.ErrSpent, rule: refusal.CodeReplayed},
		"used again by another address": {form: url.Values{"code_verifier": valid["code_verifier"]}, seed: 7, redeemedAgo: time.Second, err: grant.ErrSpent, want: grant.ErrSpent, rule: refusal.CodeReplayed},
		"unknown":                       {form: valid, seed: 7, err: grant.ErrNotFound, want: grant.ErrNotFound},
		"while the database is lost":    {form: valid, seed: 7, err: errLost, want: errLost},
	} {
		found := storedGrant()
		found.CodeRedeemedAt, found.Authorization.Challenge = testNow().Add(-tc.redeemedAgo), challenge
		store := &outcome{grant: found, err: tc.err}
		g := &AuthorizationCode{Codec: testCodec(), Grants: store}
		form := url.Values{"code": {g.Codec.Make(tokens.Code, found.Locator, 0, bytes.Repeat([]byte{tc.seed}, 32))}}
		maps.Copy(form, tc.form)
		code := &redeemedCode{AuthorizationCode: g, x: testExchange(form)}
		got, err := code.Redeem(t.Context())
		if !errors.Is(err, tc.want) || tc.want == nil && (err != nil || got != found) {
			t.Errorf("%s: %+v, %v, want %v", name, got, err, tc.want)
		}
		if tc.rule != "" && (code.cause == nil || code.cause.Rule != tc.rule) {
			t.Errorf("%s: cause %v, want %s", name, code.cause, tc.rule)
		}
	}
}

// The cause names the parameter that fosite refused.
func TestMismatchesAreExplained(t *testing.T) {
	t.Parallel()
	const verifier, challenge = "a-verifier-of-43-characters-or-more-0123456789", "gwx_1ff33sP-Na7uzErlwZMg02IfMm0pwvZjX6iq0Jg"
	for name, tc := range map[string]struct {
		redirectURI, verifier, challenge string
		want                             refusal.Rule // empty for a match
	}{
		"a match":          {"https://rp.example/callback", verifier, challenge, ""},
		"a match without":  {"https://rp.example/callback", "", "", ""},
		"no redirect_uri":  {"", verifier, challenge, refusal.RedirectURIMissing},
		"another one":      {"https://rp.example/other", verifier, challenge, refusal.RedirectURIMismatch},
		"no code_verifier": {"https://rp.example/callback", "", challenge, refusal.VerifierMissing},
		"one too many":     {"https://rp.example/callback", verifier, "", refusal.VerifierUnexpected},
		"a wrong one":      {"https://rp.example/callback", verifier + "x", challenge, refusal.VerifierMismatch},
	} {
		found := storedGrant()
		found.Authorization.Challenge = tc.challenge
		code := &redeemedCode{grant: found, x: testExchange(url.Values{"redirect_uri": {tc.redirectURI}, "code_verifier": {tc.verifier}})}
		var got refusal.Rule
		if cause := code.mismatch(); cause != nil {
			got = cause.Rule
		}
		if got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestDecisionOfPolledRequests(t *testing.T) {
	t.Parallel()
	device, request := (&DeviceCode{}).polled(), (&CIBA{}).polled()
	for name, tc := range map[string]struct {
		by      *polled
		state   grant.PollState
		want    string // the error code; empty if the user has allowed
		routine bool
	}{
		"allowed":                  {device, grant.PollState{Allowed: true}, "", false},
		"allowed too fast":         {device, grant.PollState{Allowed: true, TooEarly: true}, oauth2.CodeSlowDown, false},
		"denied":                   {device, grant.PollState{DeniedAt: testNow()}, oauth2.CodeAccessDenied, false},
		"undecided":                {device, grant.PollState{}, oauth2.CodeAuthorizationPending, true},
		"request allowed too fast": {request, grant.PollState{Allowed: true, TooEarly: true}, "", false},
		"request denied too fast":  {request, grant.PollState{DeniedAt: testNow(), TooEarly: true}, oauth2.CodeAccessDenied, false},
		"request polled too fast":  {request, grant.PollState{TooEarly: true}, oauth2.CodeSlowDown, false},
		"request undecided":        {request, grant.PollState{}, oauth2.CodeAuthorizationPending, true},
	} {
		response, _ := errors.AsType[*oauth2.Error](tc.by.decision(&tc.state))
		if got := response == nil && tc.want == "" || response != nil && response.Code == tc.want && response.Routine == tc.routine; !got {
			t.Errorf("%s: %v, want %q", name, response, tc.want)
		}
	}
}
