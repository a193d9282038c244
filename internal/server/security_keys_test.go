package server_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/totp"
)

// addSecurityKey signs the user in with a password and adds a security key. For a user with an
// authenticator app it needs its code before.
func addSecurityKey(s *servertest.Server, username string, app []byte) *servertest.Authenticator {
	s.TB.Helper()
	b, with := s.NewBrowser(), servertest.NewSecurityKey(s)
	id := b.BeginSignIn()
	b.SubmitPassword(id, username, "")
	if app != nil {
		b.Post("/login/second-factor", url.Values{"request": {id}, "code": {totp.Code(app, totp.Step(s.Time()))}})
		s.Advance(time.Minute)
	}
	b.AddSecurityKey(with)
	return with
}

// passwordOf submits the password in a new browser, and returns the request and the page that follows.
func passwordOf(s *servertest.Server, username string) (b *servertest.Browser, requestID string, next servertest.Response) {
	s.TB.Helper()
	b = s.NewBrowser()
	requestID = b.BeginSignIn()
	next = b.SubmitPassword(requestID, username, "")
	return b, requestID, next
}

// A security key that neither stores a credential nor verifies its user is a second factor: it is
// asked for after the password, names its ID, and reaches level 2.
func TestSecurityKeyIsASecondFactor(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startFactors(t, db, "when_enrolled")
		b := s.NewBrowser()
		b.SubmitPassword(b.BeginSignIn(), "ada", "")
		page, with := b.Get("/account/passkeys"), servertest.NewSecurityKey(s)
		options := page.Attribute("data-options", func(a map[string]string) bool { return a["id"] == "security-key-create" })
		for _, want := range []string{`"residentKey":"discouraged"`, `"userVerification":"discouraged"`, `"hints":["security-key"]`, `"requireResidentKey":false`} {
			if !strings.Contains(options, want) {
				t.Errorf("options of a registration have no %s: %s", want, options)
			}
		}
		b.AddSecurityKey(with)
		list := passkeysOf(s, "ada")
		if len(list) != 1 || list[0].StandsAlone() || list[0].Key.UserVerified || list[0].Info().Kind != credential.SecurityKey || list[0].Label != "Security key" {
			t.Fatalf("stored %+v, want a security key", list)
		}
		if page = b.Get("/account/passkeys?add=1"); page.Status != http.StatusSeeOther {
			t.Errorf("adding another key in a session by password: %d", page.Status)
		}

		s.Advance(time.Hour)
		b, id, p := passwordOf(s, "ada")
		if p.Location().Path != "/login/second-factor" || b.Cookie("ostiary_session") != "" {
			t.Fatalf("after the password: %d to %s", p.Status, p.Location())
		}
		if page = b.Get(p.Location().String()); !hasElement(page, "security-key") || hasElement(page, "passkey") || hasElement(page, "code") {
			t.Errorf("the page has not just the security key\n%s", page.Body)
		}
		if p = b.Get("/login/enrol?request=" + id); p.Location().Path != "/login/second-factor" {
			t.Errorf("the page for an authenticator app: %d to %s", p.Status, p.Location())
		}
		p = b.SecurityKeyOptions(id)
		asked, _ := p.JSON(t)["publicKey"].(map[string]any)
		allowed, _ := asked["allowCredentials"].([]any)
		if len(allowed) != 1 || !strings.Contains(p.Body, base64.RawURLEncoding.EncodeToString(with.Passkey.ID)) || asked["userVerification"] != "discouraged" {
			t.Errorf("options = %s, want the key alone", p.Body)
		}
		with.Passkey.Counter = 5
		next := servertest.Text(b.SubmitSecurityKey(id, with).JSON(t)["location"])
		wantClaims(t, claimsOf(b, b.Get(next)), "2", "pwd", "pop", "user", "hwk", "mfa")
		if list = passkeysOf(s, "ada"); !list[0].LastUsedAt.Equal(s.Time()) || list[0].Counter != 5 {
			t.Errorf("after its use the key is %+v", list[0])
		}
	})
}

// A security key never signs in alone, also with a verified user and its user handle.
func TestSecurityKeyNeverStandsAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startFactors(t, db, "when_enrolled")
		with := addSecurityKey(s, "ada", nil)
		for _, handle := range [][]byte{nil, passkeysOf(s, "ada")[0].Handle} {
			with.Options.UserHandle, with.Options.UserNotVerified = handle, false
			b := s.NewBrowser()
			id := b.BeginSignIn()
			wantRejected(t, "a security key at the sign-in", b.SignInWithPasskey(id, with))
			if p := b.SecurityKeyOptions(id); p.Status != http.StatusBadRequest || strings.Contains(p.Body, "allowCredentials") {
				t.Errorf("options before the password: %d %s", p.Status, p.Body)
			}
		}
	})
}

// Wrong responses get one answer and begin no session. They do not use up the right key.
func TestWrongSecurityKeysAreRejected(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startFactors(t, db, "when_enrolled")
		right, other := addSecurityKey(s, "ada", nil), addSecurityKey(s, "bob", nil)
		handle := passkeysOf(s, "bob")[0].Handle
		for name, tc := range map[string]struct {
			prepare func(*servertest.Authenticator)
			form    func(url.Values)
		}{
			"another origin":                     {prepare: func(a *servertest.Authenticator) { a.Party.Origin = "https://evil.example" }},
			"another RP ID":                      {prepare: func(a *servertest.Authenticator) { a.Party.ID = "evil.example" }},
			"the user is not present":            {prepare: func(a *servertest.Authenticator) { a.Options.UserNotPresent = true }},
			"backed up and not eligible":         {prepare: func(a *servertest.Authenticator) { a.Options.BackupState = true }},
			"eligible for backup since today":    {prepare: func(a *servertest.Authenticator) { a.Options.BackupEligible = true }},
			"another signature":                  {prepare: func(a *servertest.Authenticator) { a.Passkey.Key = other.Passkey.Key }},
			"the key of another user":            {prepare: func(a *servertest.Authenticator) { a.Passkey = other.Passkey }},
			"the user handle of another account": {prepare: func(a *servertest.Authenticator) { a.Options.UserHandle = handle }},
			"no state":                           {form: func(f url.Values) { f.Del("state") }},
			"a malformed state":                  {form: func(f url.Values) { f.Set("state", "!") }},
			"no response":                        {form: func(f url.Values) { f.Del("credential") }},
			"a response without members":         {form: func(f url.Values) { f.Set("credential", "{}") }},
		} {
			b, id, _ := passwordOf(s, "ada")
			with := *right
			if tc.prepare != nil {
				tc.prepare(&with)
			}
			form := b.SecurityKeyForm(id, &with)
			if tc.form != nil {
				tc.form(form)
			}
			wantRejected(t, name, b.Post("/login/security-key", form))
			if b.Cookie("ostiary_session") != "" {
				t.Errorf("%s: a session began", name)
			}
			if p := b.SubmitSecurityKey(id, right); p.Status != http.StatusOK {
				t.Errorf("the right key after %s: %d %s", name, p.Status, p.Body)
			}
			s.Advance(time.Minute)
		}
	})
}

// A challenge is for one ceremony and one request, and counts once.
func TestChallengesOfSecurityKeys(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startFactors(t, db, "when_enrolled")
		b, with := s.NewBrowser(), servertest.NewSecurityKey(s)
		b.SubmitPassword(b.BeginSignIn(), "ada", "")
		page := b.Get("/account/passkeys")
		enrolment, passkey := servertest.SecurityKeyRegistrationForm(t, page, with), page.HiddenField("state")
		swapped := url.Values{"kind": enrolment["kind"], "state": {passkey}, "credential": enrolment["credential"]}
		if p := b.Post("/account/passkeys", swapped); p.Status != http.StatusBadRequest {
			t.Errorf("a security key with the challenge of a passkey: %d", p.Status)
		}
		enrolment.Del("kind")
		if p := b.Post("/account/passkeys", enrolment); p.Status != http.StatusBadRequest || len(passkeysOf(s, "ada")) != 0 {
			t.Errorf("a passkey with the challenge of a security key: %d", p.Status)
		}
		b.AddSecurityKey(with)

		s.Advance(time.Minute)
		b, id, _ := passwordOf(s, "ada")
		form := b.SecurityKeyForm(id, with)
		wantRejected(t, "the challenge of an enrolment", b.Post("/login/security-key", url.Values{"request": {id}, "state": enrolment["state"], "credential": form["credential"]}))
		signIn := b.PasskeyForm(id, with)
		wantRejected(t, "the challenge of a sign-in", b.Post("/login/security-key", signIn))
		wantRejected(t, "the challenge of a second factor at the sign-in", b.Post("/login/passkey", form))
		other, otherID, _ := passwordOf(s, "ada")
		wantRejected(t, "the challenge of another request", other.Post("/login/security-key", url.Values{"request": {otherID}, "state": form["state"], "credential": form["credential"]}))

		form = b.SecurityKeyForm(id, with)
		if p := b.Post("/login/security-key", form); p.Status != http.StatusOK {
			t.Fatalf("the right response: %d %s", p.Status, p.Body)
		}
		wantRejected(t, "the response again", b.Post("/login/security-key", form))
		late := other.SecurityKeyForm(otherID, with)
		s.Advance(6 * time.Minute)
		wantRejected(t, "an expired challenge", other.Post("/login/security-key", late))
	})
}

// A counter that goes back does not lock the user out: it is marked, and its user is told.
func TestCounterOfASecurityKeyGoesBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startFactors(t, db, "when_enrolled")
		with := addSecurityKey(s, "ada", nil)
		for _, counter := range []uint32{7, 6} {
			b, id, _ := passwordOf(s, "ada")
			with.Passkey.Counter = counter
			if p := b.SubmitSecurityKey(id, with); p.Status != http.StatusOK {
				t.Fatalf("counter %d: %d %s", counter, p.Status, p.Body)
			}
			s.Advance(time.Minute)
		}
		if key := passkeysOf(s, "ada")[0]; key.CounterBackAt.IsZero() {
			t.Errorf("the key is not marked: %+v", key)
		}
		b, id, _ := passwordOf(s, "ada")
		with.Passkey.Counter = 8
		b.SubmitSecurityKey(id, with)
		if page := b.Get("/account/passkeys"); !strings.Contains(page.Body, "There may be a copy of it") {
			t.Errorf("the account page does not say so\n%s", page.Body)
		}
	})
}

// The factor that was used last comes first, with links to the others.
func TestSecurityKeyAmongOtherFactors(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startFactors(t, db, "when_enrolled")
		app := addApp(s)
		with := addSecurityKey(s, "ada", app)
		if _, err := s.App.SecondFactors.GenerateRecoveryCodes(t.Context(), accountOf(s, "ada").Subject, s.Time()); err != nil {
			t.Fatal(err)
		}
		page := func(way string) (*servertest.Browser, string, servertest.Response) {
			b, id, p := passwordOf(s, "ada")
			return b, id, b.Get(p.Location().String() + way)
		}
		want := func(what string, p servertest.Response, has ...string) {
			t.Helper()
			for _, id := range []string{"code", "recovery-code", "security-key", "use-app", "use-security-key", "other-way", "trust-device"} {
				shown := hasElement(p, id)
				if expected := strings.Contains(" "+strings.Join(has, " ")+" ", " "+id+" "); shown != expected {
					t.Errorf("%s: element %s %t, want %t", what, id, shown, expected)
				}
			}
		}
		b, id, p := page("")
		want("the key was added last", p, "security-key", "use-app", "other-way", "trust-device")
		b.SubmitSecurityKey(id, with)
		s.Advance(time.Minute)
		b, id, p = page("&way=code")
		want("the app is asked for", p, "code", "use-security-key", "other-way", "trust-device")
		_, _, p = page("&way=recovery-code")
		want("a recovery code is asked for", p, "recovery-code", "use-security-key", "other-way", "trust-device")
		if p = b.Post("/login/second-factor", url.Values{"request": {id}, "code": {totp.Code(app, totp.Step(s.Time()))}}); p.Status != http.StatusSeeOther {
			t.Fatalf("the code of the app: %d\n%s", p.Status, p.Body)
		}
		s.Advance(time.Minute)
		_, _, p = page("")
		want("the app was used last", p, "code", "use-security-key", "other-way", "trust-device")
	})
}

// A client that asks for level 2 gets the security key in a session by password, and a trusted
// device is not asked again by the policy.
func TestSecurityKeyInAStepUp(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startFactors(t, db, "on_demand")
		with := addSecurityKey(s, "ada", nil)
		b := s.NewBrowser()
		wantClaims(t, claimsOf(b, b.SubmitPassword(b.BeginSignIn(), "ada", "page")), "1", "pwd")
		p := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("acr_values", "2").Encode())
		if p.Location().Path != "/login/second-factor" {
			t.Fatalf("acr_values=2: %d to %s", p.Status, p.Location())
		}
		if page := b.Get(p.Location().String()); !hasElement(page, "security-key") || hasElement(page, "trust-device") {
			t.Errorf("the page of the step is %s", page.Body)
		}
		next := servertest.Text(b.SubmitSecurityKey(p.Location().Query().Get("request"), with).JSON(t)["location"])
		wantClaims(t, claimsOf(b, b.Get(next)), "2", "pwd", "pop", "user", "hwk", "mfa")

		p = b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("acr_values", "phr").Encode())
		offer := b.Get(p.Location().String())
		link := offer.Attribute("href", func(a map[string]string) bool { return a["id"] == "enrol" })
		if p := b.CreatePasskey(servertest.Response{Header: http.Header{"Location": {link}}}, servertest.NewAuthenticator(s)); p.Status != http.StatusSeeOther || len(passkeysOf(s, "ada")) != 2 {
			t.Errorf("a passkey in a session of two factors: %d\n%s", p.Status, p.Body)
		}

		s = startFactors(t, db, "when_enrolled")
		with.Party.Origin = s.Config.Origin()
		b, id, _ := passwordOf(s, "ada")
		form := b.SecurityKeyForm(id, with)
		form.Set("trust_device", "on")
		b.Post("/login/security-key", form)
		b.Get("/account")
		s.Advance(13 * time.Hour)
		if p := b.SubmitPassword(b.BeginSignIn(), "ada", ""); p.Location().Path == "/login/second-factor" {
			t.Errorf("a trusted device is asked again: %s", p.Location())
		}
	})
}

// A user in a session by password alone cannot get round a security key with a passkey of their own.
func TestPasswordAddsNoPasskeyBesideASecurityKey(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startFactors(t, db, "on_demand")
		addSecurityKey(s, "ada", nil)
		b, id, _ := passwordOf(s, "ada")
		p := b.Get("/login/passkey/create?request=" + id)
		if p.Status != http.StatusSeeOther || p.Location().Path == "/login/passkey/create" {
			t.Errorf("the page that creates a passkey: %d\n%s", p.Status, p.Body)
		}
		if p := b.Get("/account/passkeys"); p.Status != http.StatusOK || strings.Contains(p.Body, "data-options") {
			t.Errorf("the account page adds keys: %d\n%s", p.Status, p.Body)
		}
	})
}

// Removing a security key is confirmed, and is not the removal of the last way to sign in.
func TestRemoveASecurityKey(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startFactors(t, db, "when_enrolled")
		with := addSecurityKey(s, "ada", nil)
		b, id, _ := passwordOf(s, "ada")
		b.SubmitSecurityKey(id, with)
		page := b.Get("/account/passkeys")
		if strings.Count(page.Body, `class="passkey"`) != 1 || !strings.Contains(page.Body, "Security key, used after your password.") {
			t.Errorf("the page does not list the key: %s", page.Body)
		}
		remove := url.Values{"remove": {passkeysOf(s, "ada")[0].Info().ID}}
		if p := b.Post("/account/passkeys", remove); !strings.Contains(p.Body, "Remove the security key") || len(passkeysOf(s, "ada")) != 1 {
			t.Errorf("without confirmation: %d %s", p.Status, p.Body)
		}
		remove.Set("confirm", "yes")
		if p := b.Post("/account/passkeys", remove); p.Status != http.StatusSeeOther || len(passkeysOf(s, "ada")) != 0 {
			t.Errorf("confirmed: %d", p.Status)
		}
		if _, _, p := passwordOf(s, "ada"); p.Location().Path == "/login/second-factor" {
			t.Error("a user without a second factor is asked for one")
		}
	})
}

// TestStatementsOfSecurityKeys holds the rows of security keys in docs/architecture.md, section 2.
func TestStatementsOfSecurityKeys(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startFactors(t, db, "when_enrolled")
		with := addSecurityKey(s, "ada", nil)
		b, id, _ := passwordOf(s, "ada")
		form := b.SecurityKeyForm(id, with)
		for _, step := range []struct {
			what string
			want int64
			act  func() servertest.Response
		}{
			{"options", 2, func() servertest.Response { return b.SecurityKeyOptions(id) }},
			{"second factor", 9, func() servertest.Response { return b.Post("/login/security-key", form) }},
		} {
			before := db.Statements()
			p := step.act()
			if got := db.Statements() - before; got != step.want || p.Status != http.StatusOK {
				t.Errorf("%s: %d statements, status %d; want %d and 200", step.what, got, p.Status, step.want)
			}
		}
	})
}
