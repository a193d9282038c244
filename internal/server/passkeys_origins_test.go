package server_test

import (
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/passkey"
	"github.com/ostiary/ostiary/internal/server"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// The document of related origins exists only if there are other origins. Passkeys are used at
// these origins and no others.
func TestRelatedOrigins(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startPasskeys(t, db)
		if p := s.NewBrowser().Get("/.well-known/webauthn"); p.Status != http.StatusNotFound {
			t.Errorf("without other origins: %d %s", p.Status, p.Body)
		}
		with := servertest.AddPasskey(s, "ada")

		s = servertest.StartOnLocalhost(t, db, map[string]string{"rate_limits": "off", "passkey_origins": "https://id.example.org,https://login.example.de:8443"}, slog.DiscardHandler)
		p := s.NewBrowser().Get("/.well-known/webauthn")
		origins, _ := p.JSON(t)["origins"].([]any)
		if p.Status != http.StatusOK || p.Header.Get("Content-Type") != "application/json" || !slices.Equal(origins, []any{"https://id.example.org", "https://login.example.de:8443"}) {
			t.Errorf("document = %d %q %s", p.Status, p.Header.Get("Content-Type"), p.Body)
		}
		for origin, want := range map[string]int{
			s.Config.Origin(): http.StatusOK, "https://id.example.org": http.StatusOK, "https://login.example.de:8443": http.StatusOK,
			"https://login.example.de": http.StatusUnauthorized, "http://id.example.org": http.StatusUnauthorized, "https://sub.id.example.org": http.StatusUnauthorized,
		} {
			b := s.NewBrowser()
			with.Party.Origin = origin
			with.Passkey.Counter++
			if p := b.SignInWithPasskey(b.BeginSignIn(), with); p.Status != want {
				t.Errorf("a passkey at %s: %d %s, want %d", origin, p.Status, p.Body, want)
			}
		}
	})
}

// A server does not start with another RP ID than that of the stored passkeys, unless that is
// allowed. These passkeys then count no longer as a factor.
func TestAnotherRPIDStopsTheStart(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startPasskeys(t, db)
		servertest.AddPasskey(s, "ada")
		start := func(settings map[string]string) error {
			all := map[string]string{"issuer": "https://id.example.org", "database_url": "sqlite:unused", "system_secrets": servertest.SystemSecret}
			maps.Copy(all, settings)
			c, err := config.Load(config.Sources{Override: all})
			if err != nil {
				t.Fatal(err)
			}
			_, err = server.New(t.Context(), server.Options{Config: c, Store: db, Log: slog.New(slog.DiscardHandler), Now: s.Time, Version: servertest.Version})
			return err
		}
		if err := start(nil); err == nil || !strings.Contains(err.Error(), `RP ID "localhost"`) || !strings.Contains(err.Error(), "passkey_rp_id_change") {
			t.Errorf("start with another issuer: %v", err)
		}
		if err := start(map[string]string{"passkey_rp_id": "example.org"}); err == nil {
			t.Error("the server starts with another passkey_rp_id")
		}
		if err := start(map[string]string{"passkey_rp_id_change": "allow"}); err != nil {
			t.Errorf("start with passkey_rp_id_change: %v", err)
		}
		if err := start(map[string]string{"issuer": "http://localhost:4444", "passkey_rp_id": "localhost"}); err != nil {
			t.Errorf("start with the former RP ID: %v", err)
		}
	})
}

// A passkey that was made for another RP ID neither blocks a sign-in with the password, nor keeps
// its user from a new one.
func TestPasskeyOfAnotherRPIDIsNoFactor(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startPasskeys(t, db)
		first := s.NewBrowser()
		first.SubmitPassword(first.BeginSignIn(), "ada", "")
		servertest.Must(t, db.Passkeys.InsertPasskey(t.Context(), &passkey.Registration{
			Passkey: &passkey.Passkey{ID: []byte("old"), Subject: accountOf(s, "ada").Subject, Handle: []byte("handle"), RPID: "id.example.org", CreatedAt: s.Time()},
			Use:     passkey.SessionChallenge{CookieHash: session.Hash(first.Cookie("ostiary_session")), IssuedAt: s.Time().UnixMicro()},
		}, s.Time()))
		s.Advance(time.Second)
		for _, can := range []string{"page", "silent"} {
			b := s.NewBrowser()
			if p := b.SubmitPassword(b.BeginSignIn(), "ada", can); p.Location().Path != "/login/passkey/create" {
				t.Errorf("after the password: %d to %s, want the page that creates a passkey", p.Status, p.Location())
			}
		}
		b := s.NewBrowser()
		b.CreatePasskey(b.SubmitPassword(b.BeginSignIn(), "ada", "silent"), servertest.NewAuthenticator(s))
		if list := passkeysOf(s, "ada"); len(list) != 2 || list[1].RPID != "localhost" {
			t.Errorf("%d passkeys, want a new one", len(list))
		}
		b = s.NewBrowser()
		if p := b.SubmitPassword(b.BeginSignIn(), "ada", ""); p.Location().Path != "/login/second-factor" {
			t.Errorf("after the password of a user with a usable passkey: %d to %s", p.Status, p.Location())
		}
	})
}
