package login_test

import (
	"bytes"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A client that registers more scopes while the consent page is open gets the scopes of the
// page.
func TestHostileClientChangesDuringConsent(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	const metadata = `{"redirect_uris":["` + servertest.RedirectURI + `"],"token_endpoint_auth_method":"client_secret_post",
		"grant_types":["authorization_code","refresh_token"],"scope":"openid`
	p := s.Call(t, http.MethodPost, "/connect/register", "", metadata+`"}`)
	client := p.JSON(t)
	if p.Status != http.StatusCreated {
		t.Fatalf("register: %d %s", p.Status, p.Body)
	}
	form := servertest.AuthorizationRequest("client_id", servertest.Text(client["client_id"]), "scope", "openid email profile offline_access")
	signIn := b.Get("/oauth2/auth?" + form.Encode()).Location().String()
	page := b.Get(signIn)
	p = b.Post(page.FormAction(), url.Values{"request": {page.HiddenField("request")}, "username": {"ada"}, "password": {servertest.Password}})
	p = b.Get(p.Header.Get("Location"))
	page = b.Get(p.Header.Get("Location"))
	if !strings.HasPrefix(p.Header.Get("Location"), s.URL+"/consent") || strings.Contains(page.Body, "email") {
		t.Fatalf("at %q, want consent to openid alone:\n%s", p.Header.Get("Location"), page.Body)
	}

	path := strings.TrimPrefix(servertest.Text(client["registration_client_uri"]), s.URL)
	grown := strings.Replace(metadata, "{", `{"client_id":"`+servertest.Text(client["client_id"])+`",`, 1) + ` email profile offline_access"}`
	if p := s.Call(t, http.MethodPut, path, servertest.Text(client["registration_access_token"]), grown); p.Status != http.StatusOK {
		t.Fatalf("update: %d %s", p.Status, p.Body)
	}

	p = b.Follow(b.Post(page.FormAction(), url.Values{"request": {page.HiddenField("request")}, "decision": {"accept"}}))
	got := s.PostForm("/oauth2/token", servertest.CodeExchange(p.Location().Query().Get("code"),
		"client_id", servertest.Text(client["client_id"]), "client_secret", servertest.Text(client["client_secret"]))).JSON(t)
	if got["scope"] != "openid" || got["refresh_token"] != nil {
		t.Errorf("granted are %v, refresh token %v; the person agreed to openid", got["scope"], got["refresh_token"])
	}
	if again := b.Get("/oauth2/auth?" + form.Encode()).Header.Get("Location"); !strings.HasPrefix(again, s.URL+"/consent") {
		t.Errorf("asked anew, the rest needs no consent: to %q", again)
	}
}

// Credentials in the wrong parameter, or in too long a parameter, are not stored.
func TestHostilePendingRequestHoldsNoCredential(t *testing.T) {
	t.Parallel()
	at := storetest.SQLiteURL(t)
	s := servertest.Start(t, storetest.Open(t, at), nil)
	b := s.NewBrowser()
	hint := servertest.Text(s.ExchangeCode(b.Code(servertest.AuthorizationRequest()))["id_token"])
	for name, form := range map[string]url.Values{
		"query": servertest.AuthorizationRequest("prompt", "login", "client_secret", "misplaced-client-secret", "id_token_hint", hint,
			"password", "misplaced-password", "code_verifier", servertest.CodeVerifier, "access_token", "misplaced-token", "x-own", "misplaced-of-its-own",
			"client_assertion", "misplaced-assertion", "login_hint", "kept-login-hint"),
	} {
		if id := b.Get("/oauth2/auth?" + form.Encode()).Location().Query().Get("request"); id == "" {
			t.Fatalf("%s: no request waits", name)
		} else if page := b.Get("/login?request=" + id); page.Status != http.StatusOK {
			t.Fatalf("%s: sign-in page: %d", name, page.Status)
		}
	}

	var kept []byte
	files, err := filepath.Glob(strings.TrimPrefix(at, "sqlite:") + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, raw...)
	}
	if !bytes.Contains(kept, []byte("kept-login-hint")) {
		t.Fatal("the request is not found, so nothing was searched")
	}
	for _, secret := range []string{"misplaced", servertest.CodeVerifier, hint[len(hint)-24:]} {
		if bytes.Contains(kept, []byte(secret)) {
			t.Errorf("the database holds %q", secret)
		}
	}
}

// A hint holds over the detour, although it is not kept.
func TestHostileHintIsCheckedAfterSignIn(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	hint := servertest.Text(s.ExchangeCode(b.Code(servertest.AuthorizationRequest()))["id_token"])
	page := b.Get(b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "login", "id_token_hint", hint).Encode()).Header.Get("Location"))
	p := b.Post(page.FormAction(), url.Values{"request": {page.HiddenField("request")}, "username": {"bob"}, "password": {servertest.Password}})
	if p = b.Get(p.Header.Get("Location")); !strings.HasPrefix(p.Header.Get("Location"), s.URL+"/login") {
		t.Errorf("somebody else signed in and is sent to %q", p.Header.Get("Location"))
	}
	if p = b.Follow(p); !p.Location().Query().Has("code") {
		t.Errorf("then the right one, who is sent to %q", p.Header.Get("Location"))
	}
}
