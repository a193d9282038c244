package registration_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// The secret of a client that an operator created cannot change the client, in every
// registration mode.
func TestOperatorClientsAreUnknownToRegistration(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		for _, mode := range []map[string]string{
			{"registration": "open", "registration_query_secrets": "on"},
			{"registration": "token", "registration_tokens": "an initial access token of the operator"},
		} {
			s := servertest.StartWithApps(t, db, mode)
			id := "made-" + mode["registration"]
			made := s.CreateClient(`{"client_id":"` + id + `","redirect_uris":["https://shop.example/cb"],"skip_consent":true}`)
			if made["registration_access_token"] != nil || made["registration_client_uri"] != nil {
				t.Errorf("the API gave it %v to manage itself with", made)
			}
			const evil = `{"redirect_uris":["https://evil.example/cb"]}`
			for name, p := range map[string]servertest.Response{
				"read by Basic":             s.CallWithBasicAuth(t, http.MethodGet, "/connect/register/"+id, id, servertest.Text(made["client_secret"]), ""),
				"change by Basic":           s.CallWithBasicAuth(t, http.MethodPut, "/connect/register/"+id, id, servertest.Text(made["client_secret"]), evil),
				"delete by Basic":           s.CallWithBasicAuth(t, http.MethodDelete, "/connect/register/"+id, id, servertest.Text(made["client_secret"]), ""),
				"of the file, by Basic":     s.CallWithBasicAuth(t, http.MethodPut, "/connect/register/web", "web", "web-secret-web-secret-web-secret-", evil),
				"of the file, in the query": s.Call(t, http.MethodPut, "/connect/register/post?client_secret=post-secret-post-secret-post-sec", "", evil),
			} {
				if p.Status != http.StatusUnauthorized || p.JSON(t)["error"] != "invalid_token" {
					t.Errorf("registration %s, %s: %d %s, want 401", mode["registration"], name, p.Status, p.Body)
				}
			}
			if got := s.CallAdmin(http.MethodGet, "/clients/"+id, "").JSON(t); got["skip_consent"] != true || strings.Contains(servertest.Text(got["redirect_uris"]), "evil") {
				t.Errorf("afterwards it is %v", got)
			}
		}
	})
}

// An attacker with a leaked client secret may have made a registration access token of it.
func TestSecretRotationEndsRegistrationTokens(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartWithApps(t, db, nil)
		const metadata = `"redirect_uris":["https://rp.example/cb"]`
		for name, rotate := range map[string]func(id string) string{
			"rotated by the API": func(id string) string {
				return servertest.Text(s.CallAdmin(http.MethodPost, "/clients/"+id+"/secrets/rotate", "").JSON(t)["client_secret"])
			},
			"put by the API": func(id string) string {
				s.CallAdmin(http.MethodPut, "/clients/"+id, `{`+metadata+`,"client_secret":"the next secret"}`)
				return "the next secret"
			},
			"patched by the API": func(id string) string {
				s.CallAdmin(http.MethodPatch, "/clients/"+id, `[{"op":"add","path":"/client_secret","value":"the next secret"}]`)
				return "the next secret"
			},
			"imported": func(id string) string {
				const secret = "the next secret, which is long enough"
				_, _, err := s.ImportClients([]byte(`[{"client_id":"` + id + `",` + metadata + `,"client_secret":"` + secret + `"}]`))
				if err != nil {
					t.Fatal(err)
				}
				return secret
			},
		} {
			p := s.Call(t, http.MethodPost, "/connect/register", "", `{`+metadata+`}`).JSON(t)
			id, path := servertest.Text(p["client_id"]), "/connect/register/"+servertest.Text(p["client_id"])
			minted := servertest.Text(s.CallWithBasicAuth(t, http.MethodGet, path, id, servertest.Text(p["client_secret"]), "").JSON(t)["registration_access_token"])
			if p := s.Call(t, http.MethodGet, path, minted, ""); p.Status != http.StatusOK {
				t.Fatalf("%s: before, the token is answered %d %s", name, p.Status, p.Body)
			}
			secret := rotate(id)
			servertest.WantError(t, s.Call(t, http.MethodGet, path, minted, ""), http.StatusUnauthorized, "invalid_token")
			servertest.WantError(t, s.Call(t, http.MethodGet, path, servertest.Text(p["registration_access_token"]), ""), http.StatusUnauthorized, "invalid_token")
			servertest.WantError(t, s.CallWithBasicAuth(t, http.MethodGet, path, id, servertest.Text(p["client_secret"]), ""), http.StatusUnauthorized, "invalid_token")
			if p := s.CallWithBasicAuth(t, http.MethodGet, path, id, secret, ""); p.Status != http.StatusOK {
				t.Errorf("%s: the current secret is answered %d %s", name, p.Status, p.Body)
			}
			if t.Failed() {
				t.Fatal(name)
			}
		}

		// What changes no secret leaves the token alone.
		p := s.Call(t, http.MethodPost, "/connect/register", "", `{`+metadata+`}`).JSON(t)
		id := servertest.Text(p["client_id"])
		s.CallAdmin(http.MethodPut, "/clients/"+id, `{`+metadata+`,"client_name":"A name"}`)
		s.CallAdmin(http.MethodPut, "/clients/"+id, `{`+metadata+`,"client_secret":"`+servertest.Text(p["client_secret"])+`"}`)
		if p := s.Call(t, http.MethodGet, "/connect/register/"+id, servertest.Text(p["registration_access_token"]), ""); p.Status != http.StatusOK {
			t.Errorf("after changes of something else the token is answered %d %s", p.Status, p.Body)
		}
	})
}
