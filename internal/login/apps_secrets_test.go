package login_test

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Challenges and verifiers are neither in the database nor in the log (promise 5).
func TestChallengesAndVerifiersAreNotStored(t *testing.T) {
	t.Parallel()
	var book servertest.LogBuffer
	at := storetest.SQLiteURL(t)
	s := servertest.StartWithAppsAndLog(t, storetest.Open(t, at), map[string]string{"admin_auth": "token"},
		slog.NewTextHandler(&book, &slog.HandlerOptions{Level: slog.LevelDebug}))
	k, key := apikey.New("app", apikey.Scopes(), s.Time(), time.Time{})
	if err := s.Store.APIKeys.InsertAPIKey(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	answer := func(path, challenge, body string) string {
		t.Helper()
		step, _, _ := strings.Cut(path, "/")
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut,
			s.AdminURL+"/oauth2/auth/requests/"+path+"?"+step+"_challenge="+challenge, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+key)
		return s.RedirectTo(servertest.Send(t, http.DefaultClient, r))
	}
	b := s.NewBrowser()
	login := answer("login/accept", s.LoginChallenge(b.Get("/oauth2/auth?"+servertest.AuthorizationRequest().Encode())), `{"subject":"jo","remember":true}`)
	back := b.Get(login)
	consent := answer("consent/accept", s.ConsentChallenge(back), `{"grant_scope":["openid"],"remember":true}`)
	secrets := map[string]string{
		"the API key": key, "the login verifier": verifierOf(login), "the consent verifier": verifierOf(consent),
	}
	for _, cookie := range b.Client.Jar.Cookies(servertest.ParseURL(t, s.URL)) {
		secrets["the cookie "+cookie.Name] = cookie.Value
	}
	if len(secrets) < 6 {
		t.Fatalf("want the cookies of a session and of a request among %d secrets", len(secrets))
	}
	s.NewBrowser().Get(consent) // is rejected
	s.NewBrowser().Get(login)
	servertest.CodeOf(t, b.Get(consent))
	b.Get(consent)

	kept := map[string]string{"the log": book.String()}
	files, err := filepath.Glob(strings.TrimPrefix(at, "sqlite:") + "*") // with its own log
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		kept["the database"] += string(raw)
	}
	for where, text := range kept {
		if len(text) < 1000 {
			t.Fatalf("%s has %d bytes", where, len(text))
		}
		for name, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %s", where, name)
			}
		}
	}
}

// verifierOf returns the half of a verifier that is its own: the other is the
// challenge.
func verifierOf(address string) string { return address[len(address)-32:] }
