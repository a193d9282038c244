package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// sendBasic calls the public listener with a client secret in the Authorization header.
func (s *server) sendBasic(t *testing.T, method, path, id, secret, body string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.SetBasicAuth(id, secret)
	return send(t, http.DefaultClient, r)
}

// The client secret of a client that the operator made cannot change the client, however
// it was made and whatever registration allows.
func TestOperatorClientsAreUnknownToRegistration(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		for _, mode := range []map[string]string{
			{"registration": "open", "registration_query_secrets": "on"},
			{"registration": "token", "registration_tokens": "an initial access token of the operator"},
		} {
			s := startApart(t, db, mode)
			id := "made-" + mode["registration"]
			made := s.made(`{"client_id":"` + id + `","redirect_uris":["https://shop.example/cb"],"skip_consent":true}`)
			if made["registration_access_token"] != nil || made["registration_client_uri"] != nil {
				t.Errorf("the API gave it %v to manage itself with", made)
			}
			const evil = `{"redirect_uris":["https://evil.example/cb"]}`
			for name, p := range map[string]reply{
				"read by Basic":             s.sendBasic(t, http.MethodGet, "/connect/register/"+id, id, text(made["client_secret"]), ""),
				"change by Basic":           s.sendBasic(t, http.MethodPut, "/connect/register/"+id, id, text(made["client_secret"]), evil),
				"delete by Basic":           s.sendBasic(t, http.MethodDelete, "/connect/register/"+id, id, text(made["client_secret"]), ""),
				"of the file, by Basic":     s.sendBasic(t, http.MethodPut, "/connect/register/web", "web", "web-secret-web-secret-web-secret-", evil),
				"of the file, in the query": s.send(t, http.MethodPut, "/connect/register/post?client_secret=post-secret-post-secret-post-sec", "", evil),
			} {
				if p.status != http.StatusUnauthorized || p.json(t)["error"] != "invalid_token" {
					t.Errorf("registration %s, %s: %d %s, want 401", mode["registration"], name, p.status, p.body)
				}
			}
			if got := s.ask(http.MethodGet, "/clients/"+id, "").json(t); got["skip_consent"] != true || strings.Contains(text(got["redirect_uris"]), "evil") {
				t.Errorf("afterwards it is %v", got)
			}
		}
	})
}

// An attacker with a leaked client secret may have made a registration access token of it.
func TestEveryRotationOfASecretEndsRegistrationTokens(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startApart(t, db, nil)
		const metadata = `"redirect_uris":["https://rp.example/cb"]`
		for name, rotate := range map[string]func(id string) string{
			"rotated by the API": func(id string) string {
				return text(s.ask(http.MethodPost, "/clients/"+id+"/secrets/rotate", "").json(t)["client_secret"])
			},
			"put by the API": func(id string) string {
				s.ask(http.MethodPut, "/clients/"+id, `{`+metadata+`,"client_secret":"the next secret"}`)
				return "the next secret"
			},
			"patched by the API": func(id string) string {
				s.ask(http.MethodPatch, "/clients/"+id, `[{"op":"add","path":"/client_secret","value":"the next secret"}]`)
				return "the next secret"
			},
			"imported": func(id string) string {
				const secret = "the next secret, which is long enough"
				_, _, err := importClients(t.Context(), s.config, db, s.hasher, []byte(`[{"client_id":"`+id+`",`+metadata+`,"client_secret":"`+secret+`"}]`))
				if err != nil {
					t.Fatal(err)
				}
				return secret
			},
		} {
			p := s.send(t, http.MethodPost, "/connect/register", "", `{`+metadata+`}`).json(t)
			id, path := text(p["client_id"]), "/connect/register/"+text(p["client_id"])
			minted := text(s.sendBasic(t, http.MethodGet, path, id, text(p["client_secret"]), "").json(t)["registration_access_token"])
			if p := s.send(t, http.MethodGet, path, minted, ""); p.status != http.StatusOK {
				t.Fatalf("%s: before, the token is answered %d %s", name, p.status, p.body)
			}
			secret := rotate(id)
			wantError(t, s.send(t, http.MethodGet, path, minted, ""), http.StatusUnauthorized, "invalid_token")
			wantError(t, s.send(t, http.MethodGet, path, text(p["registration_access_token"]), ""), http.StatusUnauthorized, "invalid_token")
			wantError(t, s.sendBasic(t, http.MethodGet, path, id, text(p["client_secret"]), ""), http.StatusUnauthorized, "invalid_token")
			if p := s.sendBasic(t, http.MethodGet, path, id, secret, ""); p.status != http.StatusOK {
				t.Errorf("%s: the current secret is answered %d %s", name, p.status, p.body)
			}
			if t.Failed() {
				t.Fatal(name)
			}
		}

		// What changes no secret leaves the token alone.
		p := s.send(t, http.MethodPost, "/connect/register", "", `{`+metadata+`}`).json(t)
		id := text(p["client_id"])
		s.ask(http.MethodPut, "/clients/"+id, `{`+metadata+`,"client_name":"A name"}`)
		s.ask(http.MethodPut, "/clients/"+id, `{`+metadata+`,"client_secret":"`+text(p["client_secret"])+`"}`)
		if p := s.send(t, http.MethodGet, "/connect/register/"+id, text(p["registration_access_token"]), ""); p.status != http.StatusOK {
			t.Errorf("after changes of something else the token is answered %d %s", p.status, p.body)
		}
	})
}

func TestSecretsAreRotatedByCommand(t *testing.T) {
	t.Parallel()

	sh := newShell(t)
	var made, rotated clientView
	sh.json(&made, "clients", "create", "--id=shop", "--redirect-uri=https://shop.example/cb")
	stored := func() *client.Client {
		t.Helper()
		c, err := sh.store().Client(t.Context(), "shop")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	tokened := func() {
		t.Helper()
		c := stored()
		c.RegistrationToken = client.HashToken("token")
		if err := sh.store().UpdateClient(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		flags []string
		until time.Duration // of the secret before
	}{
		{nil, 24 * time.Hour},
		{[]string{"--old-secret-lifetime=30m"}, 30 * time.Minute},
		{[]string{"--old-secret-lifetime=0s"}, 0},
	} {
		tokened()
		before := stored()
		began := now()
		sh.json(&rotated, append([]string{"clients", "rotate-secret", "shop"}, tc.flags...)...)
		c := stored()
		if rotated.Secret == "" || rotated.Secret == made.Secret || !verifies(t, sh, "shop", rotated.Secret) {
			t.Errorf("%v: the new secret is %q, and does not verify", tc.flags, rotated.Secret)
		}
		if len(c.RegistrationToken) > 0 {
			t.Errorf("%v: the registration access token goes on", tc.flags)
		}
		kept := len(c.RotatedSecrets) > len(before.RotatedSecrets) && c.RotatedSecrets[0].Secret == before.Secret
		if kept != (tc.until > 0) {
			t.Errorf("%v: the old secret is kept: %t", tc.flags, kept)
		}
		if kept && (c.RotatedSecrets[0].ExpiresAt.Before(began.Add(tc.until)) || c.RotatedSecrets[0].ExpiresAt.After(now().Add(tc.until))) {
			t.Errorf("%v: the old secret is valid until %v, want %v from now", tc.flags, c.RotatedSecrets[0].ExpiresAt, tc.until)
		}
	}
	tokened()
	sh.must("clients", "update", "shop", "--new-secret")
	if c := stored(); len(c.RegistrationToken) > 0 || len(c.RotatedSecrets) > 0 {
		t.Errorf("after --new-secret %+v has a token or secret of before", c)
	}
	tokened()
	sh.must("clients", "update", "shop", "--auth-method=none")
	if c := stored(); len(c.RegistrationToken) > 0 || c.Secret != "" {
		t.Errorf("without a secret %+v has a token or secret of before", c)
	}
	contains(t, sh.refused("clients", "rotate-secret", "shop"), "has no secret")
	contains(t, sh.refused("clients", "rotate-secret", "nobody"), "no client")
	for _, bad := range []string{"soon", "-1h", "366d"} {
		contains(t, sh.refused("clients", "rotate-secret", "shop", "--old-secret-lifetime="+bad), "--old-secret-lifetime")
	}
	contains(t, sh.must("audit", "--action=client.secret.rotate"), "shop")
}
