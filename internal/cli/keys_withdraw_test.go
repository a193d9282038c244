package cli_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// After a command withdraws a leaked key, every replica rejects the tokens that it signed.
// Sessions and refresh tokens stay valid.
func TestWithdrawKey(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, dsn string) {
		one := servertest.Start(t, storetest.Open(t, dsn), nil)
		two := servertest.Start(t, storetest.Open(t, dsn), map[string]string{"issuer": one.URL})
		two.Advance(one.Time().Sub(two.Time()))
		b := one.NewBrowser()
		tokens := one.ExchangeCode(b.Code(servertest.AuthorizationRequest()))
		leaked := keyOf(t, tokens["access_token"])
		for i, s := range []*servertest.Server{one, two} {
			if !s.IsActive(tokens["access_token"]) {
				t.Fatalf("replica %d: the token is not active before", i+1)
			}
		}
		command := func(args ...string) (string, string) {
			t.Helper()
			clitest.UnsetEnvironment(t)
			var out, remarks bytes.Buffer
			args = append([]string{"--set=database_url=" + dsn, "--set=system_secrets=" + servertest.SystemSecret}, args...)
			if code := cli.Run(t.Context(), servertest.Version, args, cli.Streams{strings.NewReader(""), &out, &remarks}); code != 0 {
				t.Fatalf("%v = exit code %d: %s", args, code, remarks.String())
			}
			return out.String(), remarks.String()
		}
		listing, _ := command("keys", "withdraw", leaked, "--dry-run")
		servertest.Contains(t, listing, leaked, "current", "JWT access tokens (clients: 3)", "ID tokens (clients: 1)", "published key set", "refresh tokens")
		if !two.IsActive(tokens["access_token"]) {
			t.Fatal("a dry run withdrew the key")
		}
		out, _ := command("keys", "withdraw", leaked, "--yes", "--json")
		var view cli.WithdrawalView
		if err := json.Unmarshal([]byte(out), &view); err != nil || view.KID != leaked || view.Signs == "" || view.Signs == leaked || len(view.Ends) == 0 {
			t.Errorf("keys withdraw --json = %s, %v", out, err)
		}
		for i, s := range []*servertest.Server{one, two} {
			if s.IsActive(tokens["access_token"]) {
				t.Errorf("replica %d: the token of the withdrawn key is active", i+1)
			}
			if p := s.Userinfo(tokens["access_token"]); p.Status != http.StatusUnauthorized {
				t.Errorf("replica %d: userinfo takes the token of the withdrawn key: %d", i+1, p.Status)
			}
			if p := s.NewBrowser().Get("/.well-known/jwks.json"); strings.Contains(p.Body, leaked) || !strings.Contains(p.Body, view.Signs) {
				t.Errorf("replica %d publishes %s", i+1, p.Body)
			}
		}
		fresh := two.Refresh(tokens["refresh_token"]).JSON(t)["access_token"]
		if got := keyOf(t, fresh); got != view.Signs || !one.IsActive(fresh) {
			t.Errorf("a refreshed token is signed with %s, active: %v; want %s", got, one.IsActive(fresh), view.Signs)
		}
		if p := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "none").Encode()); p.Location().Query().Get("code") == "" {
			t.Errorf("the session ended with the key: %s", p.Location())
		}
		events, _ := command("audit", "--action=key.withdraw", "--json")
		servertest.Contains(t, events, leaked, "key.withdraw", "done")
		if strings.Count(events, `"key.withdraw"`) != 1 {
			t.Errorf("the audit log has %s, want one event: a dry run changes nothing", events)
		}
	})
}

// keyOf returns the kid of a signed token.
func keyOf(t *testing.T, token any) string {
	t.Helper()
	parsed, err := jwt.ParseSigned(servertest.Text(token), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Headers[0].KeyID
}

func TestWithdrawKeyNeedsConfirmation(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	sh.Must("keys", "rotate", "--algorithm=EdDSA")
	var before, after []cli.KeyView
	sh.JSON(&before, "keys", "list")
	var kid string
	for _, k := range before {
		if k.Algorithm == string(jwks.EdDSA) && k.State == string(jwks.Next) {
			kid = k.KID
		}
	}
	servertest.Contains(t, sh.MustFail("keys", "withdraw", kid), "has not signed any token", "--yes")
	servertest.Contains(t, sh.MustFail("keys", "withdraw", "nothing", "--yes"), `key "nothing" not found: see keys list`)
	sh.JSON(&after, "keys", "list")
	if len(after) != len(before) {
		t.Errorf("without a confirmation %d of %d keys are left", len(after), len(before))
	}
	servertest.Contains(t, sh.Must("keys", "withdraw", kid, "--yes"), "withdrew "+kid)
	servertest.Lacks(t, sh.Must("keys", "list"), kid)
}
