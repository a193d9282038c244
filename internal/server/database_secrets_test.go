package server_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A stolen database contains no credential that an attacker can use.
func TestDatabaseHoldsNoUsableCredential(t *testing.T) {
	t.Parallel()
	at := storetest.SQLiteURL(t)
	s := servertest.StartWithDeviceClients(t, storetest.Open(t, at), servertest.LegacySettings())
	s.ImportClient(servertest.LegacyClient("legacy", ""))
	device := servertest.AuthorizeDevice(s, servertest.DeviceClientForm())
	b := s.NewBrowser()
	_, front := servertest.AuthorizationResponse(t, b.Authorize(servertest.AuthorizationRequest("client_id", "legacy", "response_type", "code id_token token")))
	unspent := b.Code(servertest.AuthorizationRequest())
	code := b.Code(servertest.AuthorizationRequest())
	got := s.ExchangeCode(code)
	next := s.Refresh(got["refresh_token"]).JSON(t)
	waiting := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "login").Encode())
	opaque := s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"post"}, "client_secret": {"post-secret-post-secret-post-sec"}})
	registered := s.Call(t, http.MethodPost, "/connect/register", "", `{"redirect_uris":["https://a.example/"]}`).JSON(t)
	if waiting.Location().Query().Get("request") == "" {
		t.Fatalf("no waiting request: %d", waiting.Status)
	}

	secrets := map[string]string{
		"a code of an answer": front.Get("code"), "an access token of it": front.Get("access_token"), "an ID token of it": front.Get("id_token"),
		"the system secret": servertest.SystemSecret, "the password": servertest.Password, "an unspent code": unspent, "a spent code": code,
		"the first refresh token": servertest.Text(got["refresh_token"]), "the current refresh token": servertest.Text(next["refresh_token"]),
		"an access token": servertest.Text(next["access_token"]), "an ID token": servertest.Text(next["id_token"]), "an opaque token": servertest.Text(opaque.JSON(t)["access_token"]),
		"an imported client secret": "web-secret-web-secret-web-secret-", "a registered client secret": servertest.Text(registered["client_secret"]),
		"a registration token": servertest.Text(registered["registration_access_token"]),
		"a device code":        device.DeviceCode,
	}
	where, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range b.Client.Jar.Cookies(where) {
		secrets["the cookie "+cookie.Name] = cookie.Value
	}
	if len(secrets) < 17 {
		t.Fatalf("want the cookies of a session and of a request among %d secrets", len(secrets))
	}

	var kept []byte
	files, err := filepath.Glob(strings.TrimPrefix(at, "sqlite:") + "*") // with the write-ahead log
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
	if !bytes.Contains(kept, []byte("ada@example.com")) || !bytes.Contains(kept, []byte(servertest.Text(registered["client_id"]))) {
		t.Fatal("what is no secret is not found either, so nothing was searched")
	}
	for _, code := range []string{device.UserCode, strings.ReplaceAll(device.UserCode, "-", "")} {
		if bytes.Contains(kept, []byte(code)) {
			t.Errorf("the database holds the user code %s", code)
		}
	}
	for name, secret := range secrets {
		if len(secret) < 16 {
			t.Fatalf("%s is %q", name, secret)
		}
		raw, err := base64.RawURLEncoding.DecodeString(secret)
		tail := secret[len(secret)-16:] // the secret part of a token that has several
		if bytes.Contains(kept, []byte(tail)) || err == nil && bytes.Contains(kept, raw) {
			t.Errorf("the database holds %s", name)
		}
	}
}
