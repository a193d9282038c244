package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/totp"
)

// triedClient returns a client with other members.
func triedClient(id, members string) string {
	return `{"client_id": "` + id + `", "client_secret": "` + servertest.OtherSecret + `", "redirect_uris": ["` + servertest.RedirectURI + `"],
		"scope": "openid email", "skip_consent": true` + members + `}`
}

// encryptionKey returns a key set with a public key for encryption.
func encryptionKey(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	servertest.Must(t, err)
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "e", Algorithm: "ECDH-ES", Use: "enc"}}})
	servertest.Must(t, err)
	return string(set)
}

// Each requirement of a client shows its result, or the rule that failed at its step.
func TestTrialOfAnyClient(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startConsole(t, db)
		setAdminRole(s, account.Owner)
		secret, b := addApp(s), s.NewBrowser()
		s.ImportClient(
			triedClient("staff", `, "allowed_groups": ["staff"]`),
			triedClient("encrypted", `, "id_token_encrypted_response_alg": "ECDH-ES", "userinfo_encrypted_response_alg": "ECDH-ES", "jwks": `+encryptionKey(t)),
			triedClient("keyless", `, "id_token_encrypted_response_alg": "RSA-OAEP", "jwks_uri": "https://client.invalid/jwks"`),
			triedClient("pairwise", `, "subject_type": "pairwise"`),
			triedClient("objects", `, "require_signed_request_object": true, "jwks": `+encryptionKey(t)),
			triedClient("strong", `, "userinfo_acr_values": ["phr"]`),
			triedClient("possession", `, "dpop_bound_access_tokens": true`),
			triedClient("signed", `, "userinfo_signed_response_alg": "ES256"`),
			triedClient("level", `, "default_acr_values": ["phr"], "userinfo_max_age": 3600`),
			`{"client_id": "plain", "client_secret": "`+servertest.OtherSecret+`", "redirect_uris": ["`+servertest.RedirectURI+`"], "scope": "api", "skip_consent": true}`,
		)
		signInToConsole(b, "/console", secret)
		for id, tc := range map[string]struct {
			steps string
			page  []string
		}{
			"staff":      {"ok failed open open open", []string{"group_not_allowed", `id="fix"`, `id="open-user"`, "access_denied"}},
			"encrypted":  {"ok ok ok ok ok", []string{"the application receives it encrypted with ECDH-ES", "ada@example.com", "application/jwt"}},
			"keyless":    {"ok ok ok failed open", []string{"client_keys_unavailable", "invalid_request"}},
			"pairwise":   {"ok ok ok ok ok", nil},
			"objects":    {"ok ok ok ok ok", nil},
			"strong":     {"ok ok ok ok failed", []string{"token_authentication_insufficient", "ada@example.com"}},
			"possession": {"ok ok ok ok ok", []string{"and with a DPoP proof, which are not tried"}},
			"signed":     {"ok ok ok ok ok", []string{"application/jwt", "<code>iat</code>"}},
			"plain":      {"ok ok ok ok ok", []string{"Not called: the scope openid is not granted.", "<bdi>email</bdi>"}},
		} {
			p := finishTrial(b, b.Get(beginTrial(b, id)))
			if got := steps(p); p.Status != http.StatusOK || got != tc.steps {
				t.Errorf("%s: %d, %s, want %s\n%s", id, p.Status, got, tc.steps, p.Body)
			}
			for _, want := range tc.page {
				if !strings.Contains(p.Body, want) {
					t.Errorf("%s: the page lacks %q\n%s", id, want, p.Body)
				}
			}
			if subject := accountOf(s, "ada").Subject; id == "pairwise" && strings.Contains(strings.SplitN(p.Body, `id="id-token"`, 2)[1], subject) {
				t.Errorf("the pairwise client has the subject %s", subject)
			}
			if strings.Contains(p.Body, "eyJ") {
				t.Errorf("%s: the page has a token", id)
			}
			assertNoGrants(t, s)
		}

		// A client that cannot be tried has no button.
		s.ImportClient(`{"client_id": "job", "client_secret": "` + servertest.OtherSecret + `", "grant_types": ["client_credentials"], "response_types": []}`)
		if p := b.Get("/console/applications/job"); hasElement(p, "try") || !strings.Contains(p.Body, "does not use the authorization code") {
			t.Errorf("the page of a service: %d\n%s", p.Status, p.Body)
		}
		if p := b.Post("/console/applications/job/try", url.Values{}); p.Status != http.StatusConflict || !hasElement(p, "impossible") || hasElement(p, "try") {
			t.Errorf("a trial of a service: %d\n%s", p.Status, p.Body)
		}
		if p := b.Post("/console/applications/nobody/try", url.Values{}); p.Status != http.StatusNotFound {
			t.Errorf("a trial of an unknown client: %d", p.Status)
		}

		// An application that requires a new sign-in gets one.
		s.ImportClient(triedClient("recent", `, "default_max_age": 5`))
		begun := beginTrial(b, "recent")
		p := b.Get(begun)
		id := p.Location().Query().Get("request")
		p = b.SubmitPassword(id, "ada", "")
		if strings.HasPrefix(p.Location().Path, "/login") {
			p = b.Post("/login/second-factor", url.Values{"request": {id}, "code": {totp.Code(secret, totp.Step(s.Time()))}})
		}
		for p.Location().Path != "/console/try/callback" && p.Status == http.StatusSeeOther {
			p = b.Get(p.Location().RequestURI())
		}
		if p = finishTrial(b, p); steps(p) != "ok ok ok ok ok" {
			t.Errorf("after a new sign-in: %d %s\n%s", p.Status, steps(p), p.Body)
		}
	})
}

// assertNoGrants fails if ada has a consent, or a grant that is not revoked.
func assertNoGrants(t *testing.T, s *servertest.Server) {
	t.Helper()
	grants, err := s.Store.Grants.ListGrantsWithoutConsent(t.Context(), accountOf(s, "ada").Subject, "", grant.Locator{}, 10, s.Time())
	if err != nil || len(grants) != 0 {
		t.Errorf("ada has grants: %+v, %v", grants, err)
	}
	consents, err := s.Store.Consents.ListConsents(t.Context(), accountOf(s, "ada").Subject, "", consent.Consent{}, 10, s.Time())
	if err != nil || len(consents) != 0 {
		t.Errorf("ada has consents: %+v, %v", consents, err)
	}
}

// The consent of a trial is for the trial alone: the application, which may be one that registered
// itself, gets no grant of the administrator without a page afterwards.
func TestTrialConsent(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, b := openConsole(t, db, account.Owner)
		p := finishTrial(b, b.AnswerConsent(b.Get(beginTrial(b, "careful")), "deny"))
		if got := steps(p); got != "ok ok failed open open" || !strings.Contains(p.Body, "access_denied") || hasElement(p, "allow") {
			t.Errorf("denied: %d %s\n%s", p.Status, got, p.Body)
		}
		assertNoGrants(t, s)
		p = finishTrial(b, b.AnswerConsent(b.Get(beginTrial(b, "careful")), "accept"))
		if got := steps(p); got != "ok ok ok ok ok" || !strings.Contains(p.Body, "You agreed, now or before.") {
			t.Errorf("accepted: %d %s\n%s", p.Status, got, p.Body)
		}
		assertNoGrants(t, s)
		p = b.Get(b.Get(beginTrial(b, "careful")).Location().String())
		if hasElement(p, "remember") {
			t.Errorf("the page offers to remember the consent\n%s", p.Body)
		}
		id := p.HiddenField("request")
		finishTrial(b, b.Follow(b.Post(p.FormAction(), url.Values{"request": {id}, "decision": {"accept"}, "remember": {"on"}})))
		assertNoGrants(t, s)
		if p = b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("client_id", "careful", "scope", "openid").Encode()); p.Location().Path != "/consent" {
			t.Errorf("the application after trials: %d to %s", p.Status, p.Location())
		}
	})
}

// Token hooks run in a trial as in a flow of the application.
func TestTrialCallsTokenHook(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		var requests []string
		denied := false
		hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			requests = append(requests, string(body))
			if denied {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			_, _ = w.Write([]byte(`{"session": {"id_token": {"tier": "gold"}}}`))
		}))
		t.Cleanup(hook.Close)
		s := startConsole(t, db, "token_hook_url", hook.URL)
		setAdminRole(s, account.Owner)
		b := s.NewBrowser()
		signInToConsole(b, "/console", addApp(s))
		p := finishTrial(b, b.Get(beginTrial(b, "web")))
		if got := steps(p); got != "ok ok ok ok ok" || !strings.Contains(p.Body, "<code>tier</code> <small>← your app or token hook") {
			t.Errorf("with a claim of the hook: %s\n%s", got, p.Body)
		}
		if len(requests) != 1 || !strings.Contains(requests[0], `"web"`) {
			t.Errorf("the hook received %q", requests)
		}
		denied = true
		p = finishTrial(b, b.Get(beginTrial(b, "web")))
		if got := steps(p); got != "ok ok ok failed open" || !strings.Contains(p.Body, "hook_denied") {
			t.Errorf("denied by the hook: %s\n%s", got, p.Body)
		}
		assertNoGrants(t, s)
		hook.Close()
		s.Advance(time.Second)
		p = finishTrial(b, b.Get(beginTrial(b, "web")))
		if got := steps(p); p.Status != http.StatusOK || got != "ok ok ok failed open" || !strings.Contains(p.Body, "hook_failed") {
			t.Errorf("without the hook: %d %s\n%s", p.Status, got, p.Body)
		}
		assertNoGrants(t, s)
	})
}
