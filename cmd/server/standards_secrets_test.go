package main

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Whoever steals the database can use nothing that is in it.
func TestTheDatabaseHoldsNothingThatCanBeUsed(t *testing.T) {
	t.Parallel()
	at := storetest.SQLiteURL(t)
	s := start(t, storetest.Open(t, at), nil)
	b := s.browser()
	unspent := b.code(asking())
	code := b.code(asking())
	got := s.tokens(code)
	next := s.refresh(got["refresh_token"]).json(t)
	waiting := b.get("/oauth2/auth?" + asking("prompt", "login").Encode())
	opaque := s.call("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"post"}, "client_secret": {"post-secret-post-secret-post-sec"}})
	registered := s.send(t, http.MethodPost, "/connect/register", "", `{"redirect_uris":["https://a.example/"]}`).json(t)
	if waiting.location().Query().Get("request") == "" {
		t.Fatalf("no waiting request: %d", waiting.status)
	}

	secrets := map[string]string{
		"the system secret": testSecret, "the password": testPassword, "an unspent code": unspent, "a spent code": code,
		"the first refresh token": text(got["refresh_token"]), "the current refresh token": text(next["refresh_token"]),
		"an access token": text(next["access_token"]), "an ID token": text(next["id_token"]), "an opaque token": text(opaque.json(t)["access_token"]),
		"an imported client secret": "web-secret-web-secret-web-secret-", "a registered client secret": text(registered["client_secret"]),
		"a registration token": text(registered["registration_access_token"]),
	}
	where, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range b.client.Jar.Cookies(where) {
		secrets["the cookie "+cookie.Name] = cookie.Value
	}
	if len(secrets) < 14 {
		t.Fatalf("want the cookies of a session and of a request among %d secrets", len(secrets))
	}

	var kept []byte
	files, err := filepath.Glob(strings.TrimPrefix(at, "sqlite:") + "*") // with its log
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
	if !bytes.Contains(kept, []byte("ada@example.com")) || !bytes.Contains(kept, []byte(text(registered["client_id"]))) {
		t.Fatal("what is no secret is not found either, so nothing was searched")
	}
	for name, secret := range secrets {
		if len(secret) < 16 {
			t.Fatalf("%s is %q", name, secret)
		}
		raw, err := base64.RawURLEncoding.DecodeString(secret)
		tail := secret[len(secret)-16:] // of a token that is kept in pieces
		if bytes.Contains(kept, []byte(tail)) || err == nil && bytes.Contains(kept, raw) {
			t.Errorf("the database holds %s", name)
		}
	}
}

// Passwords are hashed as RFC 9106 says, whole and in one spelling.
func TestPasswordsAreHashedWholeAndInOneSpelling(t *testing.T) {
	t.Parallel()
	h := account.NewHasher(64, 2, 1, time.Minute)
	hash := func(password string) string {
		t.Helper()
		got, err := h.Hash(t.Context(), password)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	const composed, decomposed = "caf\u00e9 au lait", "cafe\u0301 au lait"
	first := hash(composed)
	rest, ok := strings.CutPrefix(first, "$argon2id$v=19$m=64,t=2,p=1$")
	salt64, key64, _ := strings.Cut(rest, "$")
	salt, err := base64.RawStdEncoding.DecodeString(salt64)
	if !ok || err != nil || len(salt) != 16 {
		t.Fatalf("%q is no argon2id hash with a salt of 128 bits: %v", first, err)
	}
	want := argon2.IDKey([]byte(composed), salt, 2, 64, 1, 32)
	if key64 != base64.RawStdEncoding.EncodeToString(want) {
		t.Errorf("key %s is not what argon2id makes", key64)
	}
	if hash(composed) == first {
		t.Error("the salt is used twice")
	}
	long := strings.Repeat("x", 200)
	for name, tc := range map[string]struct {
		hash, password string
		want           bool
	}{
		"the same":                      {first, composed, true},
		"the same, spelled otherwise":   {first, decomposed, true},
		"another case":                  {first, strings.ToUpper(composed), false},
		"a space more":                  {first, composed + " ", false},
		"a long one":                    {hash(long + "a"), long + "a", true},
		"a long one, ended otherwise":   {hash(long + "a"), long + "b", false},
		"a NUL and what stands after":   {hash("correct\x00horse"), "correct\x00stable", false},
		"anything for who is not there": {"", composed, false},
	} {
		if got, err := h.Verify(t.Context(), tc.hash, tc.password); got != tc.want || err != nil {
			t.Errorf("%s: %v, %v, want %v", name, got, err, tc.want)
		}
	}
}

// A password has a length, and no other rule (NIST SP 800-63B section 3.1.1.2).
func TestAPasswordHasALengthAndNoOtherRule(t *testing.T) {
	t.Parallel()
	for password, want := range map[string]bool{
		"1234567":                              false,
		"12345678":                             true,
		"ßßßßßßß":                              false, // seven, however many bytes
		"ßßßßßßßß":                             true,
		"        ":                             true,
		"correct horse battery":                true,
		strings.Repeat("a", 64):                true,
		strings.Repeat("a", 1024):              true,
		strings.Repeat("a", 1025):              false,
		"\U0001f600 \U0001f600 smile":          true,
		"\xff\xfe\xff\xfe\xff\xfe\xff\xfe\xff": false,
	} {
		if got := account.CheckPassword(password) == nil; got != want {
			t.Errorf("CheckPassword(%.40q) accepts: %v, want %v", password, got, want)
		}
	}
}
