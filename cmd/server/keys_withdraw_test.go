package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A leaked key is withdrawn by a command: what it signed is accepted by no replica, and
// what it did not sign goes on.
func TestALeakedKeyIsWithdrawn(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, dsn string) {
		one := start(t, storetest.Open(t, dsn), nil)
		two := start(t, storetest.Open(t, dsn), map[string]string{"issuer": one.url})
		two.pass(one.time().Sub(two.time()))
		b := one.browser()
		tokens := one.tokens(b.code(asking()))
		leaked := keyOf(t, tokens["access_token"])
		for i, s := range []*server{one, two} {
			if !s.active(tokens["access_token"]) {
				t.Fatalf("replica %d: the token is not active before", i+1)
			}
		}
		command := func(args ...string) (string, string) {
			t.Helper()
			unsetEnvironment(t)
			var out, remarks bytes.Buffer
			args = append([]string{"--set=database_url=" + dsn, "--set=system_secrets=" + testSecret}, args...)
			if code := run(t.Context(), args, streams{strings.NewReader(""), &out, &remarks}); code != 0 {
				t.Fatalf("%v = exit code %d: %s", args, code, remarks.String())
			}
			return out.String(), remarks.String()
		}
		listing, _ := command("keys", "withdraw", leaked, "--dry-run")
		contains(t, listing, leaked, "current", "JWT access tokens (clients: 3)", "ID tokens (clients: 1)", "published key set", "refresh tokens")
		if !two.active(tokens["access_token"]) {
			t.Fatal("a dry run withdrew the key")
		}
		out, _ := command("keys", "withdraw", leaked, "--yes", "--json")
		var view withdrawalView
		if err := json.Unmarshal([]byte(out), &view); err != nil || view.KID != leaked || view.Signs == "" || view.Signs == leaked || len(view.Ends) == 0 {
			t.Errorf("keys withdraw --json = %s, %v", out, err)
		}
		for i, s := range []*server{one, two} {
			if s.active(tokens["access_token"]) {
				t.Errorf("replica %d: the token of the withdrawn key is active", i+1)
			}
			if p := s.userinfo(tokens["access_token"]); p.status != http.StatusUnauthorized {
				t.Errorf("replica %d: userinfo takes the token of the withdrawn key: %d", i+1, p.status)
			}
			if p := s.browser().get("/.well-known/jwks.json"); strings.Contains(p.body, leaked) || !strings.Contains(p.body, view.Signs) {
				t.Errorf("replica %d publishes %s", i+1, p.body)
			}
		}
		fresh := two.refresh(tokens["refresh_token"]).json(t)["access_token"]
		if got := keyOf(t, fresh); got != view.Signs || !one.active(fresh) {
			t.Errorf("a refreshed token is signed with %s, active: %v; want %s", got, one.active(fresh), view.Signs)
		}
		if p := b.get("/oauth2/auth?" + asking("prompt", "none").Encode()); p.location().Query().Get("code") == "" {
			t.Errorf("the session ended with the key: %s", p.location())
		}
		events, _ := command("audit", "--action=key.withdraw", "--json")
		contains(t, events, leaked, "key.withdraw", "done")
		if strings.Count(events, `"key.withdraw"`) != 1 {
			t.Errorf("the audit log has %s, want one event: a dry run changes nothing", events)
		}
	})
}

// keyOf returns the kid of a signed token.
func keyOf(t *testing.T, token any) string {
	t.Helper()
	parsed, err := jwt.ParseSigned(text(token), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Headers[0].KeyID
}

func TestWithdrawingAKeyIsConfirmed(t *testing.T) {
	t.Parallel()

	sh := newShell(t)
	sh.must("keys", "rotate", "--algorithm=EdDSA")
	var before, after []keyView
	sh.json(&before, "keys", "list")
	var kid string
	for _, k := range before {
		if k.Algorithm == string(jwks.EdDSA) && k.State == string(jwks.Next) {
			kid = k.KID
		}
	}
	contains(t, sh.refused("keys", "withdraw", kid), "signed nothing yet", "--yes")
	contains(t, sh.refused("keys", "withdraw", "nothing", "--yes"), "no key has the ID nothing")
	sh.json(&after, "keys", "list")
	if len(after) != len(before) {
		t.Errorf("without a confirmation %d of %d keys are left", len(after), len(before))
	}
	contains(t, sh.must("keys", "withdraw", kid, "--yes"), "withdrew "+kid)
	lacks(t, sh.must("keys", "list"), kid)
}
