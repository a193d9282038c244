package admin_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// holder calls the admin API with an API key that has the scopes.
type holder struct {
	*servertest.AppServer
	key string
}

func holding(s *servertest.AppServer, scopes ...string) holder {
	s.TB.Helper()
	k, key := apikey.New("program", scopes, s.Time(), time.Time{})
	if err := s.Store.APIKeys.InsertAPIKey(s.TB.Context(), k); err != nil {
		s.TB.Fatal(err)
	}
	return holder{s, key}
}

func (h holder) ask(method, path, body string) servertest.Response {
	h.TB.Helper()
	r, err := http.NewRequestWithContext(h.TB.Context(), method, h.AdminURL+path, strings.NewReader(body))
	if err != nil {
		h.TB.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+h.key)
	if method != http.MethodGet {
		r.Header.Set("Content-Type", "application/json")
	}
	p := servertest.Send(h.TB, http.DefaultClient, r)
	h.Document.Check(h.TB, method, path, p)
	return p
}

// keys returns the keys in a response, which must have the status.
func (h holder) keys(p servertest.Response, status int) []jose.JSONWebKey {
	h.TB.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(p.Body), &set); err != nil || p.Status != status {
		h.TB.Fatalf("%d %s (%v), want a set with %d", p.Status, p.Body, err, status)
	}
	return set.Keys
}

func TestNamedKeySets(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := servertest.StartWithApps(t, db, map[string]string{"admin_auth": "token"})
		writer, exporter := holding(s, apikey.KeysRead, apikey.KeysWrite), holding(s, apikey.KeysRead, apikey.KeysWrite, apikey.KeysExport)

		servertest.WantError(t, writer.ask(http.MethodGet, "/keys/set", ""), http.StatusNotFound, "Not Found")
		for alg, kind := range map[string]string{"RS256": "RSA", "ES256": "EC", "ES512": "EC", "EdDSA": "OKP"} {
			made := writer.keys(writer.ask(http.MethodPost, "/admin/keys/set", `{"alg":"`+alg+`"}`), http.StatusCreated)
			if len(made) != 1 || !made[0].IsPublic() || made[0].Algorithm != alg || made[0].Use != "sig" || made[0].KeyID == "" {
				t.Errorf("%s made %+v for one who may not export", kind, made)
			}
		}
		named := exporter.keys(exporter.ask(http.MethodPost, "/keys/set", `{"alg":"ES256","use":"enc","kid":"my/key"}`), http.StatusCreated)
		if len(named) != 1 || named[0].IsPublic() || named[0].KeyID != "my/key" || named[0].Use != "enc" {
			t.Errorf("made %+v for one who may export", named)
		}
		servertest.WantError(t, writer.ask(http.MethodPost, "/keys/set", `{"alg":"ES256","kid":"my/key"}`), http.StatusConflict, "Conflict")
		for _, body := range []string{`{}`, `{"alg":"HS256"}`, `{"alg":"HS512"}`, `{"alg":"ES256","use":"x"}`, `{"alg":"ES256","kid":"a b"}`, `{"alg":1}`} {
			servertest.WantError(t, writer.ask(http.MethodPost, "/keys/set", body), http.StatusBadRequest, "invalid_request")
		}

		for who, private := range map[holder]bool{writer: false, exporter: true} {
			all := who.keys(who.ask(http.MethodGet, "/keys/set", ""), http.StatusOK)
			one := who.keys(who.ask(http.MethodGet, "/keys/set/my%2Fkey", ""), http.StatusOK)
			if len(all) != 5 || len(one) != 1 || one[0].KeyID != "my/key" {
				t.Fatalf("the set has %d keys, and %d of the kid", len(all), len(one))
			}
			for _, k := range append(all, one...) {
				if k.IsPublic() == private {
					t.Errorf("may export: %t, and gets a public key: %t", private, k.IsPublic())
				}
			}
		}

		const hs = `{"kty":"oct","kid":"hs","alg":"HS256","use":"sig","k":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}`
		if p := exporter.ask(http.MethodPut, "/keys/set/hs", hs); p.Status != http.StatusOK || servertest.Text(p.JSON(t)["k"]) == "" {
			t.Errorf("putting a symmetric key: %d %s", p.Status, p.Body)
		}
		if p := writer.ask(http.MethodGet, "/keys/set/hs", ""); p.Status != http.StatusOK || strings.Contains(p.Body, `"k"`) {
			t.Errorf("a symmetric key for one who may not export: %d %s", p.Status, p.Body)
		}
		servertest.WantError(t, writer.ask(http.MethodPut, "/keys/set/other", hs), http.StatusBadRequest, "invalid_request")
		servertest.WantError(t, writer.ask(http.MethodPut, "/keys/set", `{"keys":[`+hs+`,`+hs+`]}`), http.StatusBadRequest, "invalid_request")
		if got := exporter.keys(exporter.ask(http.MethodPut, "/keys/set", `{"keys":[`+hs+`]}`), http.StatusOK); len(got) != 1 {
			t.Errorf("the set in its new form has %d keys", len(got))
		}
		for _, path := range []string{"/keys/set/hs", "/keys/set/hs", "/keys/set", "/keys/nothing"} {
			if p := writer.ask(http.MethodDelete, path, ""); p.Status != http.StatusNoContent {
				t.Errorf("DELETE %s: %d %s", path, p.Status, p.Body)
			}
		}
		servertest.WantError(t, writer.ask(http.MethodGet, "/keys/set/hs", ""), http.StatusNotFound, "Not Found")
		servertest.WantError(t, holding(s, apikey.KeysExport).ask(http.MethodGet, "/keys/set", ""), http.StatusForbidden, "request_forbidden")
		servertest.WantError(t, holding(s, apikey.KeysRead).ask(http.MethodDelete, "/keys/set", ""), http.StatusForbidden, "request_forbidden")
	})
}

// The key sets with which Ory Hydra signs contain the signing keys of this server.
func TestHydraKeySetsAreTheSigningKeys(t *testing.T) {
	t.Parallel()

	s := servertest.StartWithApps(t, storetest.New(t), map[string]string{"admin_auth": "token"})
	writer, exporter := holding(s, apikey.KeysRead, apikey.KeysWrite), holding(s, apikey.KeysRead, apikey.KeysWrite, apikey.KeysExport)
	published := func() map[string]bool {
		kids := map[string]bool{}
		for _, k := range servertest.PublishedKeys(t, s.Server).Keys {
			kids[k.KeyID] = true
		}
		return kids
	}
	const set = "/keys/hydra.openid.id-token"
	before := published()
	all := writer.keys(writer.ask(http.MethodGet, set, ""), http.StatusOK)
	if len(all) != len(before) || !all[0].IsPublic() || !before[all[0].KeyID] {
		t.Errorf("the set has %d keys, published are %d", len(all), len(before))
	}
	if other := writer.keys(writer.ask(http.MethodGet, "/keys/hydra.jwt.access-token", ""), http.StatusOK); len(other) != len(all) {
		t.Errorf("the set for access tokens has %d keys, the other %d", len(other), len(all))
	}
	current := all[0]
	if got := exporter.keys(exporter.ask(http.MethodGet, set+"/"+current.KeyID, ""), http.StatusOK); len(got) != 1 || got[0].IsPublic() {
		t.Errorf("exported is %+v", got)
	}
	servertest.WantError(t, writer.ask(http.MethodGet, set+"/nobody", ""), http.StatusNotFound, "Not Found")

	made := writer.keys(writer.ask(http.MethodPost, set, `{"alg":"ES256","use":"sig","kid":"whatever"}`), http.StatusCreated)
	if len(made) != 1 || before[made[0].KeyID] || !published()[made[0].KeyID] {
		t.Errorf("made is %+v", made)
	}
	for _, alg := range []string{"ES512", "HS256", ""} {
		servertest.WantError(t, writer.ask(http.MethodPost, set, `{"alg":"`+alg+`"}`), http.StatusBadRequest, "invalid_request")
	}

	for name, key := range map[string]any{"RSA": servertest.RSAKey(t), "EdDSA": edTestKey(t)} {
		raw, err := jose.JSONWebKey{Key: key, KeyID: "theirs-" + name, Use: "sig"}.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		// A caller who imports a signing key can sign tokens with it.
		servertest.WantError(t, writer.ask(http.MethodPut, set, `{"keys":[`+string(raw)+`]}`), http.StatusForbidden, "request_forbidden")
		servertest.WantError(t, writer.ask(http.MethodPut, set+"/theirs-"+name, string(raw)), http.StatusForbidden, "request_forbidden")
		for range 2 { // the second import changes nothing
			got := exporter.keys(exporter.ask(http.MethodPut, set, `{"keys":[`+string(raw)+`]}`), http.StatusOK)
			if len(got) != 1 || !published()[got[0].KeyID] || got[0].IsPublic() {
				t.Errorf("%s: brought is %+v", name, got)
			}
		}
		if p := exporter.ask(http.MethodPut, set+"/theirs-"+name, string(raw)); p.Status != http.StatusOK || !published()[servertest.Text(p.JSON(t)["kid"])] {
			t.Errorf("%s: %d %s", name, p.Status, p.Body)
		}
	}
	public, err := current.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{`{"keys":[]}`, `{"keys":[` + string(public) + `]}`, `{"keys":[{"kty":"oct","k":"AAEC"}]}`, `{}`} {
		servertest.WantError(t, exporter.ask(http.MethodPut, set, body), http.StatusBadRequest, "invalid_request")
	}

	servertest.WantError(t, writer.ask(http.MethodDelete, set, ""), http.StatusConflict, "Conflict")
	servertest.WantError(t, writer.ask(http.MethodDelete, set+"/"+current.KeyID, ""), http.StatusConflict, "Conflict")
	for range 2 {
		if p := writer.ask(http.MethodDelete, set+"/"+made[0].KeyID, ""); p.Status != http.StatusNoContent {
			t.Errorf("a key that does not sign yet: %d %s", p.Status, p.Body)
		}
	}
	if published()[made[0].KeyID] {
		t.Error("a deleted key is published")
	}
}

func edTestKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
