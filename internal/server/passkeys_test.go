package server_test

import (
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/passkey"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// accountOf returns the account of a user.
func accountOf(s *servertest.Server, username string) *account.Account {
	s.TB.Helper()
	a, err := s.Store.Accounts.AccountByUsername(s.TB.Context(), username)
	if err != nil {
		s.TB.Fatal(err)
	}
	return a
}

// passkeysOf returns the stored passkeys of a user.
func passkeysOf(s *servertest.Server, username string) []*passkey.Passkey {
	s.TB.Helper()
	list, err := s.Store.Passkeys.PasskeysOf(s.TB.Context(), accountOf(s, username).Subject)
	if err != nil {
		s.TB.Fatal(err)
	}
	return list
}

func startPasskeys(t *testing.T, db *store.Store) *servertest.Server {
	t.Helper()
	return servertest.StartOnLocalhost(t, db, map[string]string{"rate_limits": "off"}, slog.DiscardHandler)
}

// A user creates a passkey after a sign-in with a password, and signs in with it in another
// browser. The ID token has the level and methods, and the
// passkey records its use.
func TestSignInWithAPasskey(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		for name, tc := range map[string]struct {
			synced bool
			amr    []any
		}{
			"bound to a device": {false, []any{"pop", "user", "mfa", "hwk"}},
			"synchronized":      {true, []any{"pop", "user", "mfa", "swk"}},
		} {
			s := startPasskeys(t, db)
			user := map[bool]string{false: "ada", true: "bob"}[tc.synced]
			b, with := s.NewBrowser(), servertest.NewAuthenticator(s)
			with.Options.BackupEligible, with.Options.BackupState = tc.synced, tc.synced
			b.CreatePasskey(b.SubmitPassword(b.BeginSignIn(), user, "page"), with)
			s.Advance(time.Hour)

			other := s.NewBrowser()
			id := other.BeginSignIn()
			p := other.SignInWithPasskey(id, with)
			body := p.JSON(t)
			if p.Status != http.StatusOK || body["location"] != s.URL+"/oauth2/auth?continue="+id {
				t.Fatalf("%s: sign-in = %d %s", name, p.Status, p.Body)
			}
			encoded := base64.RawURLEncoding.EncodeToString(with.Passkey.ID)
			signal, _ := body["accepted"].(map[string]any)
			if ids, _ := signal["allAcceptedCredentialIds"].([]any); !slices.Equal(ids, []any{encoded}) || signal["rpId"] != "localhost" {
				t.Errorf("%s: signal = %v, want the passkey %s of localhost", name, signal, encoded)
			}
			code := servertest.CodeOf(t, other.Follow(other.Get(servertest.Text(body["location"]))))
			claims := servertest.Claims(t, s.ExchangeCode(code)["id_token"])
			if amr, _ := claims["amr"].([]any); claims["acr"] != "phr" || !slices.Equal(amr, tc.amr) || claims["sub"] != accountOf(s, user).Subject {
				t.Errorf("%s: ID token has acr %v, amr %v, sub %v; want phr, %v and %s", name, claims["acr"], claims["amr"], claims["sub"], tc.amr, user)
			}
			list := passkeysOf(s, user)
			if len(list) != 1 || !list[0].LastUsedAt.Equal(s.Time()) || !list[0].CounterBackAt.IsZero() || list[0].BackedUp != tc.synced || list[0].RPID != "localhost" {
				t.Errorf("%s: stored passkeys = %+v, want one that was used now", name, list)
			}
		}
	})
}

// wrong is a sign-in with a passkey that the server must not accept.
type wrong struct {
	name string
	// prepare changes the authenticator; form changes the submitted form.
	prepare func(*servertest.Authenticator)
	form    func(url.Values)
	unknown bool // the authenticator is told to forget the passkey
}

func wrongSignIns(s *servertest.Server, other *servertest.Authenticator) []wrong {
	return []wrong{
		{name: "another origin", prepare: func(a *servertest.Authenticator) { a.Party.Origin = "https://evil.example" }},
		{name: "another port", prepare: func(a *servertest.Authenticator) { a.Party.Origin = "http://localhost:1" }},
		{name: "another scheme", prepare: func(a *servertest.Authenticator) { a.Party.Origin = strings.Replace(s.URL, "http:", "https:", 1) }},
		{name: "another RP ID", prepare: func(a *servertest.Authenticator) { a.Party.ID = "evil.example" }},
		{name: "the user is not verified", prepare: func(a *servertest.Authenticator) { a.Options.UserNotVerified = true }},
		{name: "the user is not present", prepare: func(a *servertest.Authenticator) { a.Options.UserNotPresent = true }},
		{name: "backed up and not eligible", prepare: func(a *servertest.Authenticator) { a.Options.BackupState = true }},
		{name: "eligible for backup since today", prepare: func(a *servertest.Authenticator) { a.Options.BackupEligible = true }},
		{name: "another key", prepare: func(a *servertest.Authenticator) { a.Passkey.Key = other.Passkey.Key }},
		{name: "the user handle of another account", prepare: func(a *servertest.Authenticator) { a.Options.UserHandle = other.Options.UserHandle }},
		{name: "no user handle", prepare: func(a *servertest.Authenticator) { a.Options.UserHandle = nil }},
		{name: "an unknown passkey", prepare: func(a *servertest.Authenticator) { a.Passkey.ID = []byte("never registered") }, unknown: true},
		{name: "no state", form: func(f url.Values) { f.Del("state") }},
		{name: "a malformed state", form: func(f url.Values) { f.Set("state", "!") }},
		{name: "a state of nobody", form: func(f url.Values) { f.Set("state", strings.Repeat("A", 200)) }},
		{name: "no response", form: func(f url.Values) { f.Del("credential") }},
		{name: "a malformed response", form: func(f url.Values) { f.Set("credential", `{"id": 7}`) }},
		{name: "a response that is no object", form: func(f url.Values) { f.Set("credential", "[]") }},
		{name: "a response without members", form: func(f url.Values) { f.Set("credential", "{}") }},
	}
}

// Wrong responses get one answer, and begin no session.
func TestWrongPasskeysAreRejected(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := startPasskeys(t, db)
		right, other := servertest.AddPasskey(s, "ada"), servertest.AddPasskey(s, "bob")
		for _, tc := range wrongSignIns(s, other) {
			b, with := s.NewBrowser(), *right
			if tc.prepare != nil {
				tc.prepare(&with)
			}
			id := b.BeginSignIn()
			form := b.PasskeyForm(id, &with)
			if tc.form != nil {
				tc.form(form)
			}
			p := b.Post("/login/passkey", form)
			body := p.JSON(t)
			if p.Status != http.StatusUnauthorized || body["error"] != "access_denied" || (body["unknown"] != nil) != tc.unknown {
				t.Errorf("%s: %d %s, want 401 access_denied", tc.name, p.Status, p.Body)
			}
			if b.Cookie("ostiary_session") != "" {
				t.Errorf("%s: the browser has a session", tc.name)
			}
			if p := b.SignInWithPasskey(id, right); p.Status != http.StatusOK {
				t.Errorf("%s: afterwards the right one gets %d %s", tc.name, p.Status, p.Body)
			}
		}
	})
}

// A challenge counts once, for one request, for five minutes, and at every replica.
func TestAChallengeCountsOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := startPasskeys(t, db)
		with := servertest.AddPasskey(s, "ada")
		b := s.NewBrowser()
		id := b.BeginSignIn()
		first, second := b.PasskeyForm(id, with), b.PasskeyForm(id, with)

		other := b.BeginSignIn("state", "another")
		moved := url.Values{"request": {other}, "state": first["state"], "credential": first["credential"]}
		wantRejected(t, "a challenge of another request", b.Post("/login/passkey", moved))
		if p := b.Post("/login/passkey", first); p.Status != http.StatusOK {
			t.Fatalf("sign-in = %d %s", p.Status, p.Body)
		}
		wantRejected(t, "a challenge used twice", b.Post("/login/passkey", first))
		cookies := b.Client.Jar
		b.Client.Jar = s.NewBrowser().Client.Jar
		if p := b.Post("/login/passkey", second); p.Status != http.StatusBadRequest {
			t.Errorf("a challenge of another browser: %d %s", p.Status, p.Body)
		}
		b.Client.Jar = cookies
		s.Advance(time.Second)
		third := b.PasskeyForm(id, with)
		if p := b.Post("/login/passkey", third); p.Status != http.StatusOK {
			t.Errorf("another challenge, in the session: %d %s", p.Status, p.Body)
		}
		wantRejected(t, "a challenge from before the last one that was used", b.Post("/login/passkey", second))

		late := b.PasskeyForm(id, with)
		s.Advance(passkey.ChallengeLifetime + time.Second)
		wantRejected(t, "a challenge after five minutes", b.Post("/login/passkey", late))
	})
}

func wantRejected(t *testing.T, what string, p servertest.Response) {
	t.Helper()
	if p.Status != http.StatusUnauthorized {
		t.Errorf("%s: %d %s, want 401", what, p.Status, p.Body)
	}
}

// Of concurrent sign-ins with one response one succeeds.
func TestConcurrentSignInsWithOneResponse(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := startPasskeys(t, db)
		with := servertest.AddPasskey(s, "ada")
		b := s.NewBrowser()
		form := b.PasskeyForm(b.BeginSignIn(), with)
		statuses := make(chan int)
		for range 8 {
			go func() { statuses <- b.Post("/login/passkey", form).Status }()
		}
		count := map[int]int{}
		for range 8 {
			count[<-statuses]++
		}
		if count[http.StatusOK] != 1 || count[http.StatusUnauthorized] != 7 {
			t.Errorf("statuses = %v, want one 200 and seven 401", count)
		}
	})
}

// A counter that goes back does not lock the user out. It is marked.
func TestACounterThatGoesBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := startPasskeys(t, db)
		with := servertest.AddPasskey(s, "ada")
		for _, step := range []struct {
			counter uint32
			stored  uint32
			back    bool
		}{{7, 7, false}, {8, 8, false}, {8, 8, true}, {3, 8, true}, {9, 9, false}} {
			s.Advance(time.Minute)
			with.Passkey.Counter = step.counter
			b := s.NewBrowser()
			if p := b.SignInWithPasskey(b.BeginSignIn(), with); p.Status != http.StatusOK {
				t.Fatalf("counter %d: %d %s", step.counter, p.Status, p.Body)
			}
			got := passkeysOf(s, "ada")[0]
			if got.Counter != step.stored || got.CounterBackAt.Equal(s.Time()) != step.back {
				t.Errorf("after counter %d the passkey has %d, went back at %v; want %d, now: %v", step.counter, got.Counter, got.CounterBackAt, step.stored, step.back)
			}
		}
	})
}

// A disabled account is not signed in, and its passkey stays in the authenticator.
func TestPasskeyOfADisabledAccount(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := startPasskeys(t, db)
		with := servertest.AddPasskey(s, "ada")
		ada := accountOf(s, "ada").Subject
		if err := db.Accounts.SetDisabled(t.Context(), ada, true, s.Time()); err != nil {
			t.Fatal(err)
		}
		b := s.NewBrowser()
		p := b.SignInWithPasskey(b.BeginSignIn(), with)
		wantRejected(t, "a disabled account", p)
		if p.JSON(t)["unknown"] != nil {
			t.Errorf("the passkey of a disabled account counts as unknown: %s", p.Body)
		}
		if err := db.Accounts.DeleteAccount(t.Context(), ada, s.Time()); err != nil {
			t.Fatal(err)
		}
		p = b.SignInWithPasskey(b.BeginSignIn(), with)
		wantRejected(t, "a deleted account", p)
		if p.JSON(t)["unknown"] == nil {
			t.Errorf("the passkey of a deleted account does not count as unknown: %s", p.Body)
		}
	})
}

// A passkey of another user ends the session of the browser, with its grants.
func TestPasskeyOfAnotherUserReplacesTheSession(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := startPasskeys(t, db)
		with := servertest.AddPasskey(s, "bob")
		b := s.NewBrowser()
		tokens := s.ExchangeCode(b.Code(servertest.AuthorizationRequest()))
		s.Advance(time.Minute)
		id := b.BeginSignIn("prompt", "login")
		if p := b.SignInWithPasskey(id, with); p.Status != http.StatusOK {
			t.Fatalf("sign-in = %d %s", p.Status, p.Body)
		}
		if s.IsActive(tokens["refresh_token"]) {
			t.Error("the grants of the replaced session are active")
		}
		claims := servertest.Claims(t, s.ExchangeCode(servertest.CodeOf(t, b.Follow(b.Get("/oauth2/auth?continue="+id))))["id_token"])
		if claims["sub"] != accountOf(s, "bob").Subject {
			t.Errorf("the ID token is of %v, want bob", claims["sub"])
		}
	})
}

// A registration needs its own challenge, once, in the session that it was issued in.
func TestWrongRegistrationsAreRejected(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := startPasskeys(t, db)
		b := s.NewBrowser()
		id := b.BeginSignIn()
		page := b.Get(b.SubmitPassword(id, "ada", "page").Header.Get("Location"))
		for name, prepare := range map[string]func(*servertest.Authenticator){
			"another origin":             func(a *servertest.Authenticator) { a.Party.Origin = "https://evil.example" },
			"another RP ID":              func(a *servertest.Authenticator) { a.Party.ID = "evil.example" },
			"the user is not verified":   func(a *servertest.Authenticator) { a.Options.UserNotVerified = true },
			"the user is not present":    func(a *servertest.Authenticator) { a.Options.UserNotPresent = true },
			"backed up and not eligible": func(a *servertest.Authenticator) { a.Options.BackupState = true },
		} {
			with := servertest.NewAuthenticator(s)
			prepare(with)
			if p := b.Post("/login/passkey/create", servertest.RegistrationForm(t, page, with)); p.Status != http.StatusBadRequest {
				t.Errorf("%s: %d to %q, want 400", name, p.Status, p.Header.Get("Location"))
			}
		}
		with := servertest.NewAuthenticator(s)
		form := servertest.RegistrationForm(t, page, with)
		signIn := b.PasskeyForm(id, with)
		wantRejected(t, "a challenge of a registration", b.Post("/login/passkey", url.Values{"request": {id}, "state": form["state"], "credential": signIn["credential"]}))
		if p := b.Post("/login/passkey/create", url.Values{"request": {id}, "state": signIn["state"], "credential": form["credential"]}); p.Status != http.StatusBadRequest {
			t.Errorf("a challenge of a sign-in: %d, want 400", p.Status)
		}
		if list := passkeysOf(s, "ada"); len(list) != 0 {
			t.Fatalf("wrong registrations added %d passkeys", len(list))
		}
		if p := b.Post("/login/passkey/create", form); p.Status != http.StatusSeeOther || len(passkeysOf(s, "ada")) != 1 {
			t.Fatalf("registration = %d %s", p.Status, p.Body)
		}

		// A second browser of the same user: its session has challenges of its own.
		other := s.NewBrowser()
		stranger := other.BeginSignIn()
		other.SubmitPassword(stranger, "bob", "")
		if p := other.Post("/login/passkey/create", url.Values{"request": {stranger}, "state": form["state"], "credential": form["credential"]}); p.Status != http.StatusBadRequest || len(passkeysOf(s, "bob")) != 0 {
			t.Errorf("a challenge of another session: %d, bob has %d passkeys", p.Status, len(passkeysOf(s, "bob")))
		}
	})
}

// The page that offers a passkey is shown once in 30 days, to users without one, and never after a
// wrong password.
func TestPasskeyIsOfferedOnceIn30Days(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := startPasskeys(t, db)
		offered := func(can string) bool {
			b := s.NewBrowser()
			return strings.Contains(b.SubmitPassword(b.BeginSignIn(), "ada", can).Header.Get("Location"), "/login/passkey/create")
		}
		for _, step := range []struct {
			after time.Duration
			can   string
			want  bool
		}{
			{0, "", false},
			{0, "page", true},
			{time.Hour, "page", false},
			{time.Hour, "silent", true},
			{29*24*time.Hour + 21*time.Hour, "page", false},
			{2 * time.Hour, "page", true},
			{time.Minute, "page", false},
		} {
			s.Advance(step.after)
			if got := offered(step.can); got != step.want {
				t.Errorf("%v later, a browser that can %q: offered %v, want %v", step.after, step.can, got, step.want)
			}
		}
		s.Advance(passkey.OfferInterval)
		servertest.AddPasskey(s, "ada")
		s.Advance(passkey.OfferInterval + time.Hour)
		if offered("page") || offered("silent") {
			t.Error("a passkey is offered to a user who has one")
		}

		b := s.NewBrowser()
		p := b.Post("/login", url.Values{"request": {b.BeginSignIn()}, "username": {"bob"}, "password": {"wrong"}})
		if p.Status != http.StatusForbidden || strings.Contains(p.Body, "data-create") || !strings.Contains(p.Body, "passkey-sign-in") {
			t.Errorf("after a wrong password the page lets the script ask for a passkey: %d %s", p.Status, p.Body)
		}
	})
}

// A passkey that is created without a dialog need not prove presence or verification, and whatever
// happens the user continues.
func TestSilentRegistration(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := startPasskeys(t, db)
		b, with := s.NewBrowser(), servertest.NewAuthenticator(s)
		with.Options.UserNotPresent, with.Options.UserNotVerified = true, true
		p := b.SubmitPassword(b.BeginSignIn(), "ada", "silent")
		page := b.Get(p.Header.Get("Location"))
		prompted := servertest.RegistrationForm(t, page, with)
		if p := b.Post("/login/passkey/create", prompted); p.Status != http.StatusBadRequest {
			t.Errorf("without presence, by the button: %d, want 400", p.Status)
		}
		form := servertest.SilentRegistrationForm(t, page, with)
		broken := url.Values{"request": form["request"], "state": form["state"], "mode": form["mode"], "credential": {"{}"}}
		if p := b.Post("/login/passkey/create", broken); p.Status != http.StatusSeeOther || len(passkeysOf(s, "ada")) != 0 {
			t.Errorf("a malformed response: %d, want 303", p.Status)
		}
		if p := b.Post("/login/passkey/create", form); p.Status != http.StatusSeeOther || len(passkeysOf(s, "ada")) != 1 {
			t.Fatalf("registration = %d %s", p.Status, p.Body)
		}
		with.Options.UserNotPresent = false
		other := s.NewBrowser()
		wantRejected(t, "a sign-in without verification", other.SignInWithPasskey(other.BeginSignIn(), with))
		with.Options.UserNotVerified = false
		if p := other.SignInWithPasskey(other.BeginSignIn(), with); p.Status != http.StatusOK {
			t.Errorf("sign-in = %d %s", p.Status, p.Body)
		}
	})
}

// An issuer at an IP address has no passkeys, and says so when it starts.
func TestNoPasskeysAtAnIPAddress(t *testing.T) {
	t.Parallel()
	var log servertest.LogBuffer
	s := servertest.StartWithLog(t, storetest.New(t), nil, slog.NewTextHandler(&log, nil))
	if !strings.Contains(log.String(), "passkeys are off") {
		t.Errorf("the log does not say that passkeys are off: %s", log.String())
	}
	b := s.NewBrowser()
	if p := b.Get("/.well-known/passkey-endpoints"); p.Status != http.StatusOK || p.JSON(t)["enroll"] != s.URL+"/account/passkeys" || p.JSON(t)["manage"] != s.URL+"/account/passkeys" {
		t.Errorf("passkey endpoints = %d %s", p.Status, p.Body)
	}
	id := b.BeginSignIn()
	if p := b.Get("/login?request=" + id); strings.Contains(p.Body, "passkey") || strings.Contains(p.Body, "webauthn") {
		t.Errorf("the sign-in page offers a passkey: %s", p.Body)
	}
	if p := b.Post("/login/passkey/options", url.Values{"request": {id}}); p.Status != http.StatusNotFound {
		t.Errorf("options = %d, want 404", p.Status)
	}
	if p := b.SubmitPassword(id, "ada", "page"); strings.Contains(p.Header.Get("Location"), "passkey") {
		t.Errorf("sign-in leads to %s", p.Header.Get("Location"))
	}
}

// Users see, name and remove their passkeys. Adding and removing needs an authentication of the last
// five minutes at the highest level of the account.
func TestAccountPageOfPasskeys(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := startPasskeys(t, db)
		b, first := s.NewBrowser(), servertest.NewAuthenticator(s)
		id := b.BeginSignIn()
		b.Follow(b.CreatePasskey(b.SubmitPassword(id, "ada", "page"), first))
		if p := b.Get("/account/passkeys?add=1"); p.Status != http.StatusSeeOther {
			t.Errorf("adding a passkey in a session by password: %d, want the sign-in page", p.Status)
		}
		page := b.Get("/account/passkeys")
		if page.Status != http.StatusOK || !strings.Contains(page.Body, `id="add-passkey"`) || strings.Contains(page.Body, "data-options") {
			t.Fatalf("page = %d %s", page.Status, page.Body)
		}
		if p := b.SignInWithPasskey(b.BeginSignIn("prompt", "login"), first); p.Status != http.StatusOK {
			t.Fatalf("sign-in = %d %s", p.Status, p.Body)
		}

		s.Advance(time.Second)
		second := servertest.NewAuthenticator(s)
		form := servertest.RegistrationForm(t, b.Get("/account/passkeys"), second)
		if p := b.Post("/account/passkeys", form); p.Status != http.StatusSeeOther || len(passkeysOf(s, "ada")) != 2 {
			t.Fatalf("add = %d %s", p.Status, p.Body)
		}
		if p := b.Post("/account/passkeys", form); p.Status != http.StatusBadRequest {
			t.Errorf("the same response again: %d, want 400", p.Status)
		}
		made := passkeysOf(s, "ada")[1].Info()
		b.Post("/account/passkeys", url.Values{"rename": {made.ID}, "label": {"Work <laptop>"}})
		if p := b.Get("/account/passkeys"); !strings.Contains(p.Body, "Work &lt;laptop&gt;") || strings.Count(p.Body, `class="passkey"`) != 2 {
			t.Errorf("after the new name the page is %s", p.Body)
		}
		remove := url.Values{"remove": {made.ID}}
		if p := b.Post("/account/passkeys", remove); p.Status != http.StatusOK || !strings.Contains(p.Body, `id="confirm"`) || len(passkeysOf(s, "ada")) != 2 {
			t.Errorf("remove without confirmation: %d, %d passkeys", p.Status, len(passkeysOf(s, "ada")))
		}
		remove.Set("confirm", "yes")
		s.Advance(5 * time.Minute)
		if p := b.Post("/account/passkeys", remove); len(passkeysOf(s, "ada")) != 2 {
			t.Errorf("remove in an older session: %d", p.Status)
		}
		b.SignInWithPasskey(b.BeginSignIn("prompt", "login"), first)
		b.Post("/account/passkeys", remove)
		if list := passkeysOf(s, "ada"); len(list) != 1 || list[0].Info().ID == made.ID {
			t.Errorf("after the removal ada has %d passkeys", len(list))
		}
		if err := db.Accounts.SetPassword(t.Context(), accountOf(s, "ada").Subject, "", s.Time()); err != nil {
			t.Fatal(err)
		}
		s.Advance(time.Second)
		b.SignInWithPasskey(b.BeginSignIn(), first)
		last := url.Values{"remove": {passkeysOf(s, "ada")[0].Info().ID}, "confirm": {"yes"}}
		if p := b.Post("/account/passkeys", last); p.Status != http.StatusBadRequest || len(passkeysOf(s, "ada")) != 1 {
			t.Errorf("the last way to sign in: %d, %d passkeys left", p.Status, len(passkeysOf(s, "ada")))
		}
	})
}

// A passkey is a credential of the user, which an operator can remove.
func TestOperatorRemovesAPasskey(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := startPasskeys(t, db)
		with := servertest.AddPasskey(s, "ada")
		ada := accountOf(s, "ada").Subject
		list, err := db.Passkeys.Credentials(t.Context(), ada)
		if err != nil || len(list) != 1 || list[0].Kind != credential.Passkey || list[0].Label == "" {
			t.Fatalf("credentials = %+v, %v", list, err)
		}
		if err := db.Passkeys.RemoveCredential(t.Context(), accountOf(s, "bob").Subject, list[0].ID, s.Time()); !errors.Is(err, credential.ErrNotFound) {
			t.Errorf("the passkey of another user: %v", err)
		}
		if err := db.Passkeys.RemoveCredential(t.Context(), ada, list[0].ID, s.Time()); err != nil {
			t.Fatal(err)
		}
		b := s.NewBrowser()
		if p := b.SignInWithPasskey(b.BeginSignIn(), with); p.Status != http.StatusUnauthorized || p.JSON(t)["unknown"] == nil {
			t.Errorf("a removed passkey: %d %s", p.Status, p.Body)
		}
	})
}

// TestStatementsOfPasskeys holds the rows of passkeys in docs/architecture.md, section 2.
func TestStatementsOfPasskeys(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := startPasskeys(t, db)
		with := servertest.AddPasskey(s, "ada")
		b := s.NewBrowser()
		sign := func() url.Values { return b.PasskeyForm(b.BeginSignIn("prompt", "login"), with) }
		form := sign()
		count := func(want int64, what string, act func() servertest.Response) {
			t.Helper()
			before := db.Statements()
			p := act()
			if got := db.Statements() - before; got != want || p.Status != http.StatusOK {
				t.Errorf("%s: %d statements, status %d; want %d and 200", what, got, p.Status, want)
			}
		}
		options := url.Values{"request": form["request"]}
		count(1, "options", func() servertest.Response { return b.Post("/login/passkey/options", options) })
		count(7, "sign-in on a new device", func() servertest.Response { return b.Post("/login/passkey", form) })
		form = sign()
		count(7, "sign-in in a session", func() servertest.Response { return b.Post("/login/passkey", form) })
	})
}
