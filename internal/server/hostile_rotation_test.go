package server_test

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
	"github.com/ostiary/ostiary/internal/server"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

const nextSecret = "another system secret that is long enough for tests too"

// startReplica starts another replica over the same database, with the same issuer and clock.
func startReplica(t *testing.T, s *servertest.Server, db *store.Store, secrets string) *servertest.Server {
	t.Helper()
	other := servertest.Start(t, db, map[string]string{"issuer": s.URL, "system_secrets": secrets})
	other.Advance(s.Time().Sub(other.Time()))
	return other
}

// While the old system secret is the second of the list, everything issued under it stays valid.
// After its removal the server rejects the codes, refresh tokens and opaque access tokens made with
// it; signed access tokens stay valid.
func TestHostileSystemSecretRotation(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	before := servertest.Start(t, db, nil)
	b := before.NewBrowser()
	first, second := before.ExchangeCode(b.Code(servertest.AuthorizationRequest())), before.ExchangeCode(b.Code(servertest.AuthorizationRequest()))
	opaqueForm := url.Values{"grant_type": {"client_credentials"}, "client_id": {"post"}, "client_secret": {servertest.PostSecret}}
	opaque := before.PostForm("/oauth2/token", opaqueForm).JSON(t)["access_token"]
	codes := []string{b.Code(servertest.AuthorizationRequest()), b.Code(servertest.AuthorizationRequest())}
	ticket := b.Get("/oauth2/sessions/logout").HiddenField("ticket")
	waiting := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "login").Encode()).Location().Query().Get("request")

	only := map[string]string{"issuer": before.URL, "database_url": "sqlite:unused", "system_secrets": nextSecret}
	conf, err := config.Load(config.Sources{Defaults: only, Require: config.ServeRequires()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.New(t.Context(), server.Options{Config: conf, Store: db, Log: before.Log, Now: before.Time}); err == nil {
		t.Error("a server starts under a secret that opens none of its keys")
	}

	during := startReplica(t, before, db, nextSecret+","+servertest.SystemSecret)
	for name, token := range map[string]any{"access": first["access_token"], "refresh": first["refresh_token"], "opaque": opaque} {
		if !during.IsActive(token) {
			t.Errorf("the %s token of before is not active while both secrets stand", name)
		}
	}
	if p := during.Userinfo(first["access_token"]); p.Status != http.StatusOK {
		t.Errorf("userinfo: %d %s", p.Status, p.Body)
	}
	during.ExchangeCode(codes[0])
	renewed := during.Refresh(first["refresh_token"])
	if renewed.Status != http.StatusOK {
		t.Fatalf("refresh: %d %s", renewed.Status, renewed.Body)
	}
	moved := &servertest.Browser{Server: during, Client: b.Client}
	if p := moved.Get("/login?request=" + waiting); p.Status != http.StatusOK {
		t.Errorf("a request that waited: %d", p.Status)
	}
	// A replica without the new secret rejects tokens that it cannot decrypt.
	servertest.WantError(t, before.Refresh(renewed.JSON(t)["refresh_token"]), 400, "invalid_grant")

	if n, err := during.App.Keys.Reseal(t.Context()); err != nil || n == 0 {
		t.Fatalf("reseal: %d, %v", n, err)
	}
	after := startReplica(t, before, db, nextSecret)
	for name, p := range map[string]servertest.Response{
		"refresh": after.Refresh(second["refresh_token"]),
		"code":    after.PostForm("/oauth2/token", servertest.CodeExchange(codes[1])),
	} {
		if p.Status != 400 || p.JSON(t)["error"] != "invalid_grant" {
			t.Errorf("%s of before under the new secret alone: %d %s", name, p.Status, p.Body)
		}
	}
	if after.IsActive(opaque) || after.IsActive(second["refresh_token"]) {
		t.Error("tokens of the old secret are active without it")
	}
	if !after.IsActive(second["access_token"]) || !after.IsActive(renewed.JSON(t)["refresh_token"]) {
		t.Error("a signed token, or one of the new secret, is not active")
	}
	if p := moved.Post("/oauth2/sessions/logout", url.Values{"ticket": {ticket}}); p.Status != http.StatusOK {
		t.Errorf("a sign-out confirmed on a page from before: %d", p.Status)
	}
	if p := moved.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "none").Encode()); p.Location().Query().Get("error") != "login_required" {
		t.Errorf("after the sign-out: %q", p.Header.Get("Location"))
	}
}

// A signing key rotation between authorization response and token response breaks no flow: the new
// key was published before, and signatures of the old key still verify.
func TestHostileSigningKeyRotationDuringFlows(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	rotate := func() {
		if _, err := s.App.Keys.Rotate(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	}
	kid := func(token any) string {
		header, _, _ := strings.Cut(servertest.Text(token), ".")
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
		for _, key := range b.Get("/.well-known/jwks.json").JSON(t)["keys"].([]any) {
			kids = append(kids, servertest.Text(key.(map[string]any)["kid"]))
		}
		return kids
	}
	b.Code(servertest.AuthorizationRequest())
	rotate()
	s.Advance(20 * time.Minute)
	old := s.ExchangeCode(b.Code(servertest.AuthorizationRequest()))
	code, seen := b.Code(servertest.AuthorizationRequest()), published()
	rotate()
	got := s.ExchangeCode(code)
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
	if !s.IsActive(old["access_token"]) || s.Userinfo(old["access_token"]).Status != http.StatusOK {
		t.Error("the access token of the key before is not good")
	}
	if p := s.Refresh(old["refresh_token"]); p.Status != http.StatusOK {
		t.Errorf("refresh: %d %s", p.Status, p.Body)
	}
	hinted := b.Authorize(servertest.AuthorizationRequest("prompt", "none", "id_token_hint", servertest.Text(old["id_token"]))).Location().Query()
	if !hinted.Has("code") {
		t.Errorf("a hint of the key before: %v", hinted)
	}
}

// A stolen system secret alone seals no token: the encryption key also depends on a seed in the database.
func TestHostileSystemSecretAloneSealsNoToken(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	secrets, err := keyring.New(servertest.SystemSecret)
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := tokens.NewSealer(server.TokenKeys(secrets, "access token"))
	if err != nil {
		t.Fatal(err)
	}
	forged := func(sealer *tokens.Sealer) string {
		jti := base64.RawURLEncoding.EncodeToString(append(binary.BigEndian.AppendUint64(nil, uint64(s.Time().UnixMicro())), make([]byte, 12)...))
		claims, err := json.Marshal(map[string]any{
			"iss": s.URL, "sub": "web", "client_id": "web", "aud": []string{s.URL}, "jti": jti, "scope": "root",
			"iat": s.Time().Unix(), "exp": s.Time().Add(time.Hour).Unix(),
		})
		if err != nil {
			t.Fatal(err)
		}
		return sealer.Seal(claims)
	}
	if s.IsActive(forged(sealer)) {
		t.Error("a token sealed under the system secret alone is active")
	}
	whole, err := s.App.NewSealer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !s.IsActive(forged(whole)) {
		t.Error("the same token sealed under both halves is not active: the test proves nothing")
	}
}
