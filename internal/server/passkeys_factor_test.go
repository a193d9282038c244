package server_test

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/onetimelink"
	"github.com/ostiary/ostiary/internal/secondfactor"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/totp"
)

func startFactors(t *testing.T, db *store.Store, mode string) *servertest.Server {
	t.Helper()
	return servertest.StartOnLocalhost(t, db, map[string]string{"rate_limits": "off", "second_factor": mode}, slog.DiscardHandler)
}

// hasElement reports whether a page has an element with the ID.
func hasElement(p servertest.Response, id string) bool {
	return p.Attribute("id", func(a map[string]string) bool { return a["id"] == id }) != ""
}

// claimsOf completes the request that p continues, and returns the claims of the ID token.
func claimsOf(b *servertest.Browser, p servertest.Response) servertest.Object {
	b.Server.TB.Helper()
	return servertest.Claims(b.Server.TB, b.Server.ExchangeCode(servertest.CodeOf(b.Server.TB, b.Follow(p)))["id_token"])
}

// wantClaims checks acr and amr of an ID token.
func wantClaims(t *testing.T, got servertest.Object, acr string, amr ...any) {
	t.Helper()
	servertest.WantMembers(t, got, servertest.Object{"acr": acr, "amr": amr})
}

// addApp gives ada an authenticator app, and returns its secret.
func addApp(s *servertest.Server) []byte {
	s.TB.Helper()
	binding, subject := secondfactor.Binding{Session: "test"}, accountOf(s, "ada").Subject
	e, err := s.App.SecondFactors.BeginTOTP(s.TB.Context(), subject, "id", "ada", binding)
	if err == nil {
		_, err = s.App.SecondFactors.ConfirmTOTP(s.TB.Context(), subject, totp.Code(e.Secret, totp.Step(s.Time())), "", binding, s.Time())
	}
	if err != nil {
		s.TB.Fatal(err)
	}
	s.Advance(time.Minute)
	return e.Secret
}

// A passkey is a second factor: a password alone neither begins a session, nor replaces the passkey
// by an authenticator app, under each policy that asks users who have a factor. A recovery code
// replaces a lost passkey.
func TestPasswordIsFollowedByThePasskey(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"when_enrolled", "required"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.Store) {
				t.Helper()
				s := startFactors(t, db, "on_demand")
				with := servertest.AddPasskey(s, "ada")
				s = startFactors(t, db, mode)
				with.Party.Origin = s.Config.Origin()
				b := s.NewBrowser()
				id := b.BeginSignIn()
				p := b.SubmitPassword(id, "ada", "page")
				if p.Location().Path != "/login/second-factor" || b.Cookie("ostiary_session") != "" {
					t.Fatalf("after the password: %d to %s, session %q", p.Status, p.Location(), b.Cookie("ostiary_session"))
				}
				page := b.Get(p.Location().String())
				if !hasElement(page, "passkey") || hasElement(page, "code") || hasElement(page, "verify") || hasElement(page, "other-way") {
					t.Errorf("the page has not just the passkey\n%s", page.Body)
				}
				if p := b.Get("/login/enrol?request=" + id); p.Location().Path != "/login/second-factor" {
					t.Errorf("the page for an authenticator app: %d to %s", p.Status, p.Location())
				}
				if p := b.Post("/login/second-factor", url.Values{"request": {id}, "code": {"123456"}}); p.Status != http.StatusForbidden {
					t.Errorf("a code of a user without an app: %d", p.Status)
				}
				next, _ := b.SignInWithPasskey(id, with).JSON(t)["location"].(string)
				wantClaims(t, claimsOf(b, b.Get(next)), "phr", "pop", "user", "mfa", "hwk")

				codes, err := s.App.SecondFactors.GenerateRecoveryCodes(t.Context(), accountOf(s, "ada").Subject, s.Time())
				servertest.Must(t, err)
				lost := s.NewBrowser()
				id = lost.BeginSignIn()
				page = lost.Get(lost.SubmitPassword(id, "ada", "").Location().String())
				way := page.Attribute("href", func(a map[string]string) bool { return a["id"] == "other-way" })
				if page = lost.Get(way); !hasElement(page, "recovery-code") || !hasElement(page, "passkey") {
					t.Errorf("the page at %q has no field for a recovery code, or no passkey\n%s", way, page.Body)
				}
				p = lost.Post("/login/second-factor", url.Values{"request": {id}, "recovery_code": {codes[0]}})
				wantClaims(t, claimsOf(lost, p), "2", "pwd", "otp", "mfa")

				other := s.NewBrowser()
				id = other.BeginSignIn()
				other.SubmitPassword(id, "ada", "")
				p = other.Follow(other.Post("/login/second-factor", url.Values{"request": {id}, "decision": {"cancel"}}))
				if _, answer := servertest.AuthorizationResponse(t, p); answer.Get("error") != "access_denied" || other.Cookie("ostiary_session") != "" {
					t.Errorf("cancelled: %v, session %q", answer, other.Cookie("ostiary_session"))
				}
			})
		})
	}
}

// A passkey that the browser created without a dialog is asked for after its first use: before, its
// user may not know of it.
func TestSilentPasskeyCountsFromItsFirstUse(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startFactors(t, db, "when_enrolled")
		b, with := s.NewBrowser(), servertest.NewAuthenticator(s)
		page := b.Get(b.SubmitPassword(b.BeginSignIn(), "ada", "silent").Location().String())
		b.Post("/login/passkey/create", servertest.SilentRegistrationForm(t, page, with))
		if list := passkeysOf(s, "ada"); len(list) != 1 || !list[0].Key.Silent {
			t.Fatalf("the passkeys are %+v, want a silent one", list)
		}
		other := s.NewBrowser()
		wantClaims(t, claimsOf(other, other.SubmitPassword(other.BeginSignIn(), "ada", "")), "1", "pwd")
		used := s.NewBrowser()
		if p := used.SignInWithPasskey(used.BeginSignIn(), with); p.Status != http.StatusOK {
			t.Fatalf("with the passkey: %d %s", p.Status, p.Body)
		}
		later := s.NewBrowser()
		if p := later.SubmitPassword(later.BeginSignIn(), "ada", ""); p.Location().Path != "/login/second-factor" {
			t.Errorf("after its first use: %d to %s", p.Status, p.Location())
		}
	})
}

// A request for a level that only a passkey reaches is answered with the passkey, also in a session
// of two factors; a user without a passkey is offered one.
func TestStepUpToAPasskey(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startFactors(t, db, "when_enrolled")
		secret := addApp(s)
		b := s.NewBrowser()
		id := b.BeginSignIn()
		b.SubmitPassword(id, "ada", "")
		p := b.Post("/login/second-factor", url.Values{"request": {id}, "code": {totp.Code(secret, totp.Step(s.Time()))}})
		wantClaims(t, claimsOf(b, p), "2", "pwd", "otp", "mfa")

		stepUp := func() servertest.Response {
			return b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("acr_values", "phr").Encode())
		}
		p = stepUp()
		if p.Location().Path != "/login/second-factor" {
			t.Fatalf("acr_values=phr: %d to %s", p.Status, p.Location())
		}
		offer := b.Get(p.Location().String())
		link := offer.Attribute("href", func(a map[string]string) bool { return a["id"] == "enrol" })
		if !strings.HasPrefix(link, s.URL+"/login/passkey/create?") {
			t.Fatalf("the offer leads to %q, want the page of a passkey\n%s", link, offer.Body)
		}
		with := servertest.NewAuthenticator(s)
		b.Post("/login/passkey/create", servertest.RegistrationForm(t, b.Get(link), with))
		p = stepUp()
		page := b.Get(p.Location().String())
		if !hasElement(page, "passkey") || hasElement(page, "code") || hasElement(page, "trust-device") {
			t.Errorf("the page has not just the passkey\n%s", page.Body)
		}
		next, _ := b.SignInWithPasskey(p.Location().Query().Get("request"), with).JSON(t)["location"].(string)
		wantClaims(t, claimsOf(b, b.Get(next)), "phr", "pop", "user", "mfa", "hwk")

		// After a password, the app and the passkey are both there.
		other := s.NewBrowser()
		page = other.Get(other.SubmitPassword(other.BeginSignIn(), "ada", "").Location().String())
		if !hasElement(page, "passkey") || !hasElement(page, "code") {
			t.Errorf("the page after the password has not both\n%s", page.Body)
		}
	})
}

// A link for a new password does not replace a passkey: its user signs in with the password and the
// passkey afterwards. A link of an administrator replaces it.
func TestRecoveryDoesNotReplaceAPasskey(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startFactors(t, db, "when_enrolled")
		servertest.AddPasskey(s, "ada")
		for _, waived := range []bool{false, true} {
			a := accountOf(s, "ada")
			l, token := onetimelink.New(onetimelink.Recover, a.Subject, "", s.Time())
			l.Version, l.Data.Waived = onetimelink.Version(onetimelink.Recover, a), waived
			servertest.Must(t, s.Store.OneTimeLinks.InsertLink(t.Context(), l))
			b := s.NewBrowser()
			b.Get(onetimelink.URL(s.URL, onetimelink.Recover, token))
			p := b.Post("/recover", url.Values{"password": {"another horse battery"}})
			if got := b.Cookie("ostiary_session") != ""; got != waived {
				t.Errorf("waived %t: %d to %s, session %t", waived, p.Status, p.Location(), got)
			}
			s.Advance(time.Minute)
		}
	})
}
