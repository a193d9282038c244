package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/keyring"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

const nextSecret = "another system secret that is long enough for tests too"

// beside starts another replica over the same database and issuer, at the same
// time of day.
func beside(t *testing.T, s *server, db *store.Store, secrets string) *server {
	t.Helper()
	other := start(t, db, map[string]string{"issuer": s.url, "system_secrets": secrets})
	other.pass(s.time().Sub(other.time()))
	return other
}

// While the old system secret stands second, all that was made under it is good;
// afterwards it is refused like anything else that is not ours, and nothing else
// is lost.
func TestHostileSystemSecretsRotate(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	before := start(t, db, nil)
	b := before.browser()
	first, second := before.tokens(b.code(asking())), before.tokens(b.code(asking()))
	opaqueForm := url.Values{"grant_type": {"client_credentials"}, "client_id": {"post"}, "client_secret": {postSecret}}
	opaque := before.call("/oauth2/token", opaqueForm).json(t)["access_token"]
	codes := []string{b.code(asking()), b.code(asking())}
	ticket := b.get("/oauth2/sessions/logout").field("ticket")
	waiting := b.get("/oauth2/auth?" + asking("prompt", "login").Encode()).location().Query().Get("request")

	only := map[string]string{"issuer": before.url, "database_url": "sqlite:unused", "system_secrets": nextSecret}
	conf, err := config.Load(config.Sources{Defaults: only, Require: config.ServeRequires()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newApp(t.Context(), conf, db, before.log, before.time); err == nil {
		t.Error("a server starts under a secret that opens none of its keys")
	}

	during := beside(t, before, db, nextSecret+","+testSecret)
	for name, token := range map[string]any{"access": first["access_token"], "refresh": first["refresh_token"], "opaque": opaque} {
		if !during.active(token) {
			t.Errorf("the %s token of before is not active while both secrets stand", name)
		}
	}
	if p := during.userinfo(first["access_token"]); p.status != http.StatusOK {
		t.Errorf("userinfo: %d %s", p.status, p.body)
	}
	during.tokens(codes[0])
	renewed := during.refresh(first["refresh_token"])
	if renewed.status != http.StatusOK {
		t.Fatalf("refresh: %d %s", renewed.status, renewed.body)
	}
	moved := &browser{during, b.client}
	if p := moved.get("/login?request=" + waiting); p.status != http.StatusOK {
		t.Errorf("a request that waited: %d", p.status)
	}
	// A replica that does not know the new secret yet refuses what it cannot read.
	wantError(t, before.refresh(renewed.json(t)["refresh_token"]), 400, "invalid_grant")

	if n, err := during.keys.Reseal(t.Context()); err != nil || n == 0 {
		t.Fatalf("reseal: %d, %v", n, err)
	}
	after := beside(t, before, db, nextSecret)
	for name, p := range map[string]reply{
		"refresh": after.refresh(second["refresh_token"]),
		"code":    after.call("/oauth2/token", exchanging(codes[1])),
	} {
		if p.status != 400 || p.json(t)["error"] != "invalid_grant" {
			t.Errorf("%s of before under the new secret alone: %d %s", name, p.status, p.body)
		}
	}
	if after.active(opaque) || after.active(second["refresh_token"]) {
		t.Error("tokens of the old secret are active without it")
	}
	if !after.active(second["access_token"]) || !after.active(renewed.json(t)["refresh_token"]) {
		t.Error("a signed token, or one of the new secret, is not active")
	}
	if p := moved.post("/oauth2/sessions/logout", url.Values{"ticket": {ticket}}); p.status != http.StatusOK {
		t.Errorf("a sign-out confirmed on a page from before: %d", p.status)
	}
	if p := moved.get("/oauth2/auth?" + asking("prompt", "none").Encode()); p.location().Query().Get("error") != "login_required" {
		t.Errorf("after the sign-out: %q", p.header.Get("Location"))
	}
}

// A key that is replaced between a code and its tokens disturbs nobody: the new
// one was published, and what the old one signed is still good.
func TestHostileSigningKeysRotateInBetween(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	b := s.browser()
	rotate := func() {
		if _, err := s.keys.Rotate(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	}
	kid := func(token any) string {
		header, _, _ := strings.Cut(text(token), ".")
		raw, err := base64.RawURLEncoding.DecodeString(header)
		if err != nil {
			t.Fatal(err)
		}
		var h struct{ Kid string }
		if err := json.Unmarshal(raw, &h); err != nil {
			t.Fatal(err)
		}
		return h.Kid
	}
	published := func() (kids []string) {
		for _, key := range b.get("/.well-known/jwks.json").json(t)["keys"].([]any) {
			kids = append(kids, text(key.(map[string]any)["kid"]))
		}
		return kids
	}
	b.code(asking())
	rotate()
	s.pass(20 * time.Minute)
	old := s.tokens(b.code(asking()))
	code, seen := b.code(asking()), published()
	rotate()
	got := s.tokens(code)
	if kid(got["id_token"]) == kid(old["id_token"]) {
		t.Fatal("the rotation did not happen")
	}
	for _, token := range []any{got["id_token"], got["access_token"], old["id_token"], old["access_token"]} {
		if !slices.Contains(published(), kid(token)) {
			t.Errorf("the key %s of a living token is not published", kid(token))
		}
	}
	if !slices.Contains(seen, kid(got["id_token"])) {
		t.Error("a key signs that was not published before")
	}
	if !s.active(old["access_token"]) || s.userinfo(old["access_token"]).status != http.StatusOK {
		t.Error("the access token of the key before is not good")
	}
	if p := s.refresh(old["refresh_token"]); p.status != http.StatusOK {
		t.Errorf("refresh: %d %s", p.status, p.body)
	}
	hinted := b.authorize(asking("prompt", "none", "id_token_hint", text(old["id_token"]))).location().Query()
	if !hinted.Has("code") {
		t.Errorf("a hint of the key before: %v", hinted)
	}
}

// A stolen system secret alone seals no token: half of the key lies in the database.
func TestHostileASystemSecretAloneSealsNothing(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	secrets, err := keyring.New(testSecret)
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := tokens.NewSealer(tokenKeys(secrets, "access token"))
	if err != nil {
		t.Fatal(err)
	}
	forged := func(sealer *tokens.Sealer) string {
		jti := base64.RawURLEncoding.EncodeToString(append(binary.BigEndian.AppendUint64(nil, uint64(s.time().UnixMicro())), make([]byte, 12)...))
		claims, err := json.Marshal(map[string]any{
			"iss": s.url, "sub": "web", "client_id": "web", "aud": []string{s.url}, "jti": jti, "scope": "root",
			"iat": s.time().Unix(), "exp": s.time().Add(time.Hour).Unix(),
		})
		if err != nil {
			t.Fatal(err)
		}
		return sealer.Seal(claims)
	}
	if s.active(forged(sealer)) {
		t.Error("a token sealed under the system secret alone is active")
	}
	whole, err := s.newSealer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !s.active(forged(whole)) {
		t.Error("the same token sealed under both halves is not active: the test proves nothing")
	}
}
