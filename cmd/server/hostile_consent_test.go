package main

import (
	"bytes"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A client that registers for more while a person reads what it asks for gets
// what they read.
func TestHostileClientGrowsWhileAPersonDecides(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	b := s.browser()
	const metadata = `{"redirect_uris":["` + testCallback + `"],"token_endpoint_auth_method":"client_secret_post",
		"grant_types":["authorization_code","refresh_token"],"scope":"openid`
	p := s.send(t, http.MethodPost, "/connect/register", "", metadata+`"}`)
	client := p.json(t)
	if p.status != http.StatusCreated {
		t.Fatalf("register: %d %s", p.status, p.body)
	}
	form := asking("client_id", text(client["client_id"]), "scope", "openid email profile offline_access")
	signIn := b.get("/oauth2/auth?" + form.Encode()).location().String()
	page := b.get(signIn)
	p = b.post(page.action(), url.Values{"request": {page.field("request")}, "username": {"ada"}, "password": {testPassword}})
	p = b.get(p.header.Get("Location"))
	page = b.get(p.header.Get("Location"))
	if !strings.HasPrefix(p.header.Get("Location"), s.url+"/consent") || strings.Contains(page.body, "email") {
		t.Fatalf("at %q, want consent to openid alone:\n%s", p.header.Get("Location"), page.body)
	}

	path := strings.TrimPrefix(text(client["registration_client_uri"]), s.url)
	grown := strings.Replace(metadata, "{", `{"client_id":"`+text(client["client_id"])+`",`, 1) + ` email profile offline_access"}`
	if p := s.send(t, http.MethodPut, path, text(client["registration_access_token"]), grown); p.status != http.StatusOK {
		t.Fatalf("update: %d %s", p.status, p.body)
	}

	p = b.follow(b.post(page.action(), url.Values{"request": {page.field("request")}, "decision": {"accept"}}))
	got := s.call("/oauth2/token", exchanging(p.location().Query().Get("code"),
		"client_id", text(client["client_id"]), "client_secret", text(client["client_secret"]))).json(t)
	if got["scope"] != "openid" || got["refresh_token"] != nil {
		t.Errorf("granted are %v, refresh token %v; the person agreed to openid", got["scope"], got["refresh_token"])
	}
	if again := b.get("/oauth2/auth?" + form.Encode()).header.Get("Location"); !strings.HasPrefix(again, s.url+"/consent") {
		t.Errorf("asked anew, the rest needs no consent: to %q", again)
	}
}

// What a client sends to the wrong place, or too much of, is not kept there.
func TestHostileARequestThatWaitsHoldsNoCredential(t *testing.T) {
	t.Parallel()
	at := storetest.SQLiteURL(t)
	s := start(t, storetest.Open(t, at), nil)
	b := s.browser()
	hint := text(s.tokens(b.code(asking()))["id_token"])
	for name, form := range map[string]url.Values{
		"query": asking("prompt", "login", "client_secret", "misplaced-client-secret", "id_token_hint", hint,
			"password", "misplaced-password", "code_verifier", testVerifier, "access_token", "misplaced-token", "x-own", "misplaced-of-its-own",
			"client_assertion", "misplaced-assertion", "login_hint", "kept-login-hint"),
	} {
		if id := b.get("/oauth2/auth?" + form.Encode()).location().Query().Get("request"); id == "" {
			t.Fatalf("%s: no request waits", name)
		} else if page := b.get("/login?request=" + id); page.status != http.StatusOK {
			t.Fatalf("%s: sign-in page: %d", name, page.status)
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
	for _, secret := range []string{"misplaced", testVerifier, hint[len(hint)-24:]} {
		if bytes.Contains(kept, []byte(secret)) {
			t.Errorf("the database holds %q", secret)
		}
	}
}

// A hint holds over the detour, although it is not kept.
func TestHostileAHintOutlastsTheSignInPage(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	b := s.browser()
	hint := text(s.tokens(b.code(asking()))["id_token"])
	page := b.get(b.get("/oauth2/auth?" + asking("prompt", "login", "id_token_hint", hint).Encode()).header.Get("Location"))
	p := b.post(page.action(), url.Values{"request": {page.field("request")}, "username": {"bob"}, "password": {testPassword}})
	if p = b.get(p.header.Get("Location")); !strings.HasPrefix(p.header.Get("Location"), s.url+"/login") {
		t.Errorf("somebody else signed in and is sent to %q", p.header.Get("Location"))
	}
	if p = b.follow(p); !p.location().Query().Has("code") {
		t.Errorf("then the right one, who is sent to %q", p.header.Get("Location"))
	}
}
