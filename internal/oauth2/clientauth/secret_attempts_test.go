package clientauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Attempts at a short secret are counted for all endpoints together.
func TestShortSecretAttemptsAreLimited(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), map[string]string{"registration_query_secrets": "on"})
	const short = `{"token_endpoint_auth_method": "client_secret_post", "grant_types": ["client_credentials"]`
	made := s.Call(t, http.MethodPost, "/connect/register", "", short+`}`).JSON(t)
	id := servertest.Text(made["client_id"])
	if p := s.Call(t, http.MethodPut, "/connect/register/"+id, servertest.Text(made["registration_access_token"]), short+`, "client_secret": "sesame"}`); p.Status != http.StatusOK {
		t.Fatalf("a short secret: %d %s", p.Status, p.Body)
	}
	s.Advance(time.Minute)
	token := func(secret string) servertest.Response {
		return s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}})
	}
	manage := func(secret string) servertest.Response {
		return s.Call(t, http.MethodGet, "/connect/register/"+id+"?client_secret="+secret, "", "")
	}
	if p := token("sesame"); p.Status != http.StatusOK {
		t.Fatalf("the right secret: %d %s", p.Status, p.Body)
	}
	for range 99 {
		// The same counter, moved by hand: 99 slow hashes prove nothing more.
		if _, _, err := s.Store.Throttle.CountAttempt(t.Context(), "client "+id, time.Minute, s.Time()); err != nil {
			t.Fatal(err)
		}
	}
	servertest.WantError(t, manage("wrong0"), http.StatusUnauthorized, "invalid_token")
	for name, p := range map[string]servertest.Response{
		"a wrong secret at the token endpoint": token("wrong1"),
		"the right secret at management":       manage("sesame"),
	} {
		if p.Status != http.StatusTooManyRequests || p.Header.Get("Retry-After") == "" {
			t.Errorf("%s after 100 guesses: %d with Retry-After %q, want 429", name, p.Status, p.Header.Get("Retry-After"))
		}
	}
	if p := token("sesame"); p.Status != http.StatusOK {
		t.Errorf("whoever guesses keeps out the client whose secret was right before: %d %s", p.Status, p.Body)
	}
	s.Advance(time.Minute)
	if p := token("sesame"); p.Status != http.StatusOK {
		t.Errorf("the right secret a minute later: %d %s", p.Status, p.Body)
	}
	if p := s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}}); p.Status != http.StatusOK {
		t.Errorf("another client meanwhile: %d %s", p.Status, p.Body)
	}
}

// The secret of an imported client remains valid, and is hashed again at its first use.
func TestImportedSecretStaysValid(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := servertest.Start(t, storetest.Open(t, url), nil)
		c := &client.Client{ID: "came", Secret: "$pbkdf2-sha256$i=25000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$AGeLLh8T1ImwO6AL4sOvHaOwDhkd5aK/asK6Q2Oygu4"}
		c.TokenEndpointAuthMethod, c.GrantTypes = client.AuthPost, []string{client.GrantClientCredentials}
		if err := s.Store.Clients.InsertClient(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		token := func(secret string) int {
			return s.PostForm("/oauth2/token", map[string][]string{
				"grant_type": {"client_credentials"}, "client_id": {"came"}, "client_secret": {secret},
			}).Status
		}
		for i, try := range []struct {
			secret string
			want   int
		}{
			{"a secret of nobody", http.StatusUnauthorized},
			{"a secret of somebody", http.StatusOK},
			{"a secret of somebody", http.StatusOK},
			{"a secret of nobody", http.StatusUnauthorized},
		} {
			if got := token(try.secret); got != try.want {
				t.Errorf("try %d: %d, want %d", i+1, got, try.want)
			}
		}
		kept, err := s.Store.Clients.Client(t.Context(), "came")
		if err != nil || !strings.HasPrefix(string(kept.Secret), "$argon2id$") {
			t.Errorf("kept is %q, %v; want a hash of ours", kept.Secret, err)
		}
	})
}
