package admin_test

import (
	"crypto/ed25519"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

const issuersPath = "/admin/trust/grants/jwt-bearer/issuers"

// issuerOf returns the body of a request to trust an issuer. The changes are pairs of names
// and values; a nil value removes the member.
func issuerOf(tb testing.TB, name string, changes ...any) string {
	tb.Helper()
	key := ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", ed25519.SeedSize)))
	members := servertest.Object{
		"issuer": name, "subject": "mike", "scope": []string{"api"}, "expires_at": "2100-01-01T00:00:00Z",
		"jwk": jose.JSONWebKey{Key: key.Public(), KeyID: "k", Algorithm: "EdDSA", Use: "sig"},
	}
	for i := 0; i < len(changes); i += 2 {
		if changes[i+1] == nil {
			delete(members, servertest.Text(changes[i]))
			continue
		}
		members[servertest.Text(changes[i])] = changes[i+1]
	}
	body, err := json.Marshal(members)
	if err != nil {
		tb.Fatal(err)
	}
	return string(body)
}

func TestTrustedIssuerLifecycle(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		p := s.CallAdmin(http.MethodPost, issuersPath, issuerOf(t, "https://a", "unknown", true))
		if p.Status != http.StatusCreated {
			t.Fatalf("POST: %d %s", p.Status, p.Body)
		}
		mine := p.JSON(t)
		id := servertest.Text(mine["id"])
		servertest.WantMembers(t, mine, servertest.Object{
			"issuer": "https://a", "subject": "mike", "allow_any_subject": false, "scope": []any{"api"},
			"public_key": servertest.Object{"set": "https://a", "kid": "k"}, "expires_at": "2100-01-01T00:00:00Z",
			"created_at": s.Time().UTC().Format(time.RFC3339),
		})
		if got := p.Header.Get("Location"); got != issuersPath+"/"+id {
			t.Errorf("Location = %q", got)
		}
		again := s.CallAdmin(http.MethodPost, issuersPath, issuerOf(t, "https://a"))
		servertest.WantError(t, again, http.StatusConflict, "Conflict")

		one := s.CallAdmin(http.MethodGet, "/trust/grants/jwt-bearer/issuers/"+id, "")
		servertest.WantMembers(t, one.JSON(t), mine)
		anySubject := s.CallAdmin(http.MethodPost, issuersPath, issuerOf(t, "https://a", "subject", nil, "allow_any_subject", true, "scope", nil)).JSON(t)
		servertest.WantMembers(t, anySubject, servertest.Object{"subject": "", "allow_any_subject": true, "scope": []any{}})
		s.CallAdmin(http.MethodPost, issuersPath, issuerOf(t, "https://b"))

		list := func(query string) (ids []string, p servertest.Response) {
			t.Helper()
			p = s.CallAdmin(http.MethodGet, issuersPath+query, "")
			var found []servertest.Object
			if err := json.Unmarshal([]byte(p.Body), &found); err != nil {
				t.Fatalf("%s: %d %s", query, p.Status, p.Body)
			}
			for _, one := range found {
				ids = append(ids, servertest.Text(one["id"]))
			}
			return ids, p
		}
		all, p := list("")
		if len(all) != 3 || p.Header.Get("X-Total-Count") != "3" {
			t.Errorf("all are %v of %s", all, p.Header.Get("X-Total-Count"))
		}
		if got, p := list("?issuer=https://b"); len(got) != 1 || p.Header.Get("X-Total-Count") != "1" {
			t.Errorf("those of b are %v", got)
		}
		if got, _ := list("?limit=2&offset=1"); strings.Join(got, " ") != strings.Join(all[1:], " ") {
			t.Errorf("two after one are %v of %v", got, all)
		}
		got, p := list("?page_size=2")
		_, next, _ := strings.Cut(p.Header.Values("Link")[1], "?")
		next, _, _ = strings.Cut(next, ">")
		rest, _ := list("?" + next)
		if strings.Join(append(got, rest...), " ") != strings.Join(all, " ") {
			t.Errorf("page by page they are %v and %v of %v", got, rest, all)
		}
		for _, query := range []string{"?limit=x", "?limit=-1", "?offset=-1", "?page_token=x"} {
			servertest.WantError(t, s.CallAdmin(http.MethodGet, issuersPath+query, ""), http.StatusBadRequest, "invalid_request")
		}

		if p := s.CallAdmin(http.MethodDelete, issuersPath+"/"+id, ""); p.Status != http.StatusNoContent || p.Body != "" {
			t.Errorf("DELETE: %d %s", p.Status, p.Body)
		}
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			servertest.WantError(t, s.CallAdmin(method, issuersPath+"/"+id, ""), http.StatusNotFound, "Not Found")
		}
		events, err := s.Store.Audit.ListEvents(t.Context(), audit.Filter{Target: id}, "", 10)
		happened := map[string]int{}
		for _, e := range events {
			happened[e.Action+" "+string(e.Outcome)]++
		}
		want := map[string]int{"issuer.create done": 1, "issuer.delete done": 1, "issuer.delete refused": 1}
		if err != nil || !maps.Equal(happened, want) {
			t.Errorf("what is kept is %v (%v), want %v", happened, err, want)
		}
	})
}

func TestInvalidTrustedIssuersAreRejected(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		private := jose.JSONWebKey{Key: ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", ed25519.SeedSize))), KeyID: "k"}
		for name, body := range map[string]string{
			"without an issuer":             issuerOf(t, "", "issuer", nil),
			"for nobody":                    issuerOf(t, "https://a", "subject", nil),
			"subject and allow_any_subject": issuerOf(t, "https://a", "allow_any_subject", true),
			"without a key":                 issuerOf(t, "https://a", "jwk", nil),
			"with null for a key":           issuerOf(t, "https://a", "jwk", json.RawMessage("null")),
			"with a word for a key":         issuerOf(t, "https://a", "jwk", `a "key"`),
			"with a private key":            issuerOf(t, "https://a", "jwk", private),
			"with a key without kid":        issuerOf(t, "https://a", "jwk", jose.JSONWebKey{Key: private.Public().Key}),
			"with a secret":                 issuerOf(t, "https://a", "jwk", servertest.Object{"kty": "oct", "k": "AAAA", "kid": "k"}),
			"without an end":                issuerOf(t, "https://a", "expires_at", nil),
			"with an end in words":          issuerOf(t, "https://a", "expires_at", "tomorrow"),
			"with scopes in a text":         issuerOf(t, "https://a", "scope", "api"),
			"with a scope in two":           issuerOf(t, "https://a", "scope", []string{"a b"}),
			"no object":                     `[]`,
			"null":                          `null`,
		} {
			p := s.CallAdmin(http.MethodPost, issuersPath, body)
			if p.Status != http.StatusBadRequest || p.JSON(t)["status_code"] != 400.0 || strings.ContainsAny(servertest.Text(p.JSON(t)["error_description"]), "\"\\") {
				t.Errorf("%s: %d %s", name, p.Status, p.Body)
			}
		}
	})
}

// A change of a trusted issuer is effective at the token endpoint.
func TestDeleteTrustedIssuer(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		a := servertest.NewAssertionIssuer(s.Server, "")
		token := s.PostForm("/oauth2/token", a.TokenRequest("mike")).JSON(t)["access_token"]
		if !s.IsActive(token) {
			t.Fatal("the token is not active")
		}
		if p := s.CallAdmin(http.MethodDelete, issuersPath+"/"+url.PathEscape(a.Trust.ID), ""); p.Status != http.StatusNoContent {
			t.Fatalf("DELETE: %d %s", p.Status, p.Body)
		}
		if s.IsActive(token) {
			t.Error("the token is active")
		}
	})
}
