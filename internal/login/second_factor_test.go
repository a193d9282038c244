package login_test

import (
	"crypto/sha256"
	"encoding/base32"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/totp"
)

// eachFactorServer runs a test at a server of each engine.
func eachFactorServer(t *testing.T, settings map[string]string, test func(t *testing.T, s *servertest.Server)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) { test(t, servertest.Start(t, db, settings)) })
}

// ada is a user in a browser, with an authenticator app.
type ada struct {
	*servertest.Browser

	secret []byte
}

// code returns what the authenticator app shows now.
func (u *ada) code() string { return totp.Code(u.secret, totp.Step(u.Server.Time())) }

// begin sends an authorization request and returns the response.
func (u *ada) begin(parameters ...string) servertest.Response {
	return u.Get("/oauth2/auth?" + servertest.AuthorizationRequest(parameters...).Encode())
}

// submitPassword submits the sign-in form that p redirects to.
func (u *ada) submitPassword(p servertest.Response) servertest.Response {
	form := u.Get(p.Location().String())
	return u.Post(form.FormAction(), url.Values{
		"request": {form.HiddenField("request")}, "username": {"ada"}, "password": {servertest.Password},
	})
}

// submit submits the form on the page that p redirects to, with the fields.
func (u *ada) submit(p servertest.Response, fields ...string) servertest.Response {
	u.Server.TB.Helper()
	form := u.Get(p.Location().String())
	if form.FormAction() == "" {
		u.Server.TB.Fatalf("no form: %d at %s\n%s", form.Status, p.Location(), form.Body)
	}
	values := url.Values{"request": {form.HiddenField("request")}}
	for i := 0; i < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	return u.Post(form.FormAction(), values)
}

// enrol adds an authenticator app at the page that p, of the offer, leads to.
func (u *ada) enrol(p servertest.Response) servertest.Response {
	u.Server.TB.Helper()
	offer := u.Get(p.Location().String())
	link := offer.Attribute("href", func(a map[string]string) bool { return a["id"] == "enrol" })
	form := u.Get(link)
	otpauth, err := url.Parse(form.Attribute("href", func(a map[string]string) bool { return a["id"] == "otpauth" }))
	if err != nil {
		u.Server.TB.Fatal(err)
	}
	u.secret, err = base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(otpauth.Query().Get("secret"))
	if err != nil || len(u.secret) != 20 {
		u.Server.TB.Fatalf("secret of %d bytes: %v\n%s", len(u.secret), err, form.Body)
	}
	return u.Post(form.FormAction(), url.Values{"request": {form.HiddenField("request")}, "code": {u.code()}})
}

// idToken completes a request that p continues, and returns the claims of the ID token.
func (u *ada) idToken(p servertest.Response) servertest.Object {
	u.Server.TB.Helper()
	p = u.Follow(p)
	if strings.HasPrefix(p.Header.Get("Location"), u.Server.URL+"/consent") {
		p = u.AnswerConsent(p, "accept")
	}
	_, answer := servertest.AuthorizationResponse(u.Server.TB, p)
	if answer.Get("code") == "" {
		u.Server.TB.Fatalf("no code: %v", answer)
	}
	return servertest.Claims(u.Server.TB, u.Server.ExchangeCode(answer.Get("code"))["id_token"])
}

// errorOf returns the error of the authorization response that p leads to.
func (u *ada) errorOf(p servertest.Response) string {
	u.Server.TB.Helper()
	_, answer := servertest.AuthorizationResponse(u.Server.TB, u.Follow(p))
	return answer.Get("error")
}

func wantLevel(tb testing.TB, claims servertest.Object, acr string, amr ...string) {
	tb.Helper()
	var got []string
	list, _ := claims["amr"].([]any)
	for _, method := range list {
		got = append(got, servertest.Text(method))
	}
	if claims["acr"] != acr || !slices.Equal(got, amr) {
		tb.Errorf("acr %v amr %v, want %q %q", claims["acr"], claims["amr"], acr, amr)
	}
}

// A client requires two factors. A user without a second factor enrols, and every later sign-in
// requires it.
func TestClientRequiresASecondFactor(t *testing.T) {
	eachFactorServer(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		u := &ada{Browser: s.NewBrowser()}
		wantLevel(t, u.idToken(u.submitPassword(u.begin())), "1", "pwd")
		before := u.Cookie("ostiary_session")

		s.Advance(time.Minute)
		offered := u.begin("acr_values", "2")
		if got := u.begin("acr_values", "2", "prompt", "none"); u.errorOf(got) != "unmet_authentication_requirements" {
			t.Errorf("prompt=none: %s", got.Location())
		}
		raised := u.idToken(u.enrol(offered))
		wantLevel(t, raised, "2", "pwd", "otp", "mfa")
		if raised["auth_time"] != float64(s.Time().Unix()) {
			t.Errorf("auth_time %v, want the time of the second factor %d", raised["auth_time"], s.Time().Unix())
		}
		if after := u.Cookie("ostiary_session"); after == before || after == "" {
			t.Error("the level rose without a new session cookie")
		}
		wantLevel(t, u.idToken(u.begin("acr_values", "1 2", "prompt", "none")), "2", "pwd", "otp", "mfa")
		wantLevel(t, u.idToken(u.begin("acr_values", "1")), "1", "pwd", "otp", "mfa")

		// In another browser.
		other := &ada{Browser: s.NewBrowser(), secret: u.secret}
		s.Advance(time.Minute)
		page := other.submitPassword(other.begin())
		if !strings.HasPrefix(page.Location().Path, "/login/second-factor") || other.Cookie("ostiary_session") != "" {
			t.Fatalf("after the password: %s, session %q", page.Location(), other.Cookie("ostiary_session"))
		}
		if got := other.submit(page, "code", "000000"); got.Status != http.StatusForbidden || other.Cookie("ostiary_session") != "" {
			t.Errorf("a wrong code: %d", got.Status)
		}
		code := other.code()
		wantLevel(t, other.idToken(other.submit(page, "code", code)), "2", "pwd", "otp", "mfa")

		third := &ada{Browser: s.NewBrowser(), secret: u.secret}
		page = third.submitPassword(third.begin())
		if got := third.submit(page, "code", code); got.Status != http.StatusForbidden {
			t.Errorf("a code that was used before: %d", got.Status)
		}
	})
}

func TestDecliningAFurtherFactor(t *testing.T) {
	eachFactorServer(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		u := &ada{Browser: s.NewBrowser()}
		u.idToken(u.submitPassword(u.begin()))
		if got := u.errorOf(u.submit(u.begin("acr_values", "2"), "decision", "cancel")); got != "unmet_authentication_requirements" {
			t.Errorf("declined: error %q", got)
		}
		claims := u.idToken(u.begin("acr_values", "urn:ostiary:acr:password"))
		wantLevel(t, claims, "1", "pwd")
		if got := u.errorOf(u.begin("claims", `{"id_token":{"acr":{"essential":true,"value":"gold"}}}`)); got != "unmet_authentication_requirements" {
			t.Errorf("a value that is no level: error %q", got)
		}
	})
}

// A password alone does not add an authenticator app to an account that has a second factor:
// otherwise a stolen password would replace it.
func TestPasswordAddsNoFurtherAuthenticator(t *testing.T) {
	for _, mode := range []string{"when_enrolled", "on_demand"} {
		t.Run(mode, func(t *testing.T) {
			eachFactorServer(t, map[string]string{"second_factor": mode}, func(t *testing.T, s *servertest.Server) {
				t.Helper()
				owner := &ada{Browser: s.NewBrowser()}
				owner.idToken(owner.submitPassword(owner.begin()))
				owner.idToken(owner.enrol(owner.begin("acr_values", "2")))

				thief := &ada{Browser: s.NewBrowser()}
				page := thief.submitPassword(thief.begin("acr_values", "2"))
				if mode == "on_demand" {
					page = thief.Get(page.Location().String())
				}
				if page.Location().Path != "/login/second-factor" {
					t.Fatalf("after the password: %s", page.Location())
				}
				before, request := thief.Cookie("ostiary_session"), page.Location().Query().Get("request")
				form := thief.Get("/login/enrol?request=" + request)
				if form.Status != http.StatusSeeOther || form.Location().Path != "/login/second-factor" {
					t.Errorf("the page for an authenticator app: %d to %s", form.Status, form.Location())
				}
				got := thief.Post("/login/enrol", url.Values{"request": {request}, "code": {"123456"}})
				if got.Location().Path != "/login/second-factor" || thief.Cookie("ostiary_session") != before {
					t.Errorf("the form for an authenticator app: %d to %s", got.Status, got.Location())
				}
			})
		})
	}
}

// A session that is older than five minutes does not add an authenticator app: a thief of its
// cookie needs the password too.
func TestEnrolmentNeedsAFreshSession(t *testing.T) {
	eachFactorServer(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		u := &ada{Browser: s.NewBrowser()}
		u.idToken(u.submitPassword(u.begin()))
		s.Advance(6 * time.Minute)
		page := u.begin("acr_values", "2")
		offer := u.Get(page.Location().String())
		link, err := url.Parse(offer.Attribute("href", func(a map[string]string) bool { return a["id"] == "enrol" }))
		if err != nil || link.Path != "/login" {
			t.Fatalf("an old session enrols at %s: %v", link, err)
		}
		if got := u.Get("/login/enrol?" + page.Location().RawQuery); got.Status != http.StatusSeeOther {
			t.Errorf("an old session opens the enrolment: %d", got.Status)
		}
		form := u.Get(link.String())
		again := u.Post(form.FormAction(), url.Values{
			"request": {form.HiddenField("request")}, "username": {"ada"}, "password": {servertest.Password},
		})
		wantLevel(t, u.idToken(u.enrol(u.Get(again.Location().String()))), "2", "pwd", "otp", "mfa")
	})
}

// A policy that requires a second factor lets users in for a grace time, with a session that such
// a client accepts, but that is level 1.
func TestRequiredSecondFactorHasAGraceTime(t *testing.T) {
	eachFactorServer(t, map[string]string{"second_factor": "required", "second_factor_grace": "48h"}, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		u := &ada{Browser: s.NewBrowser()}
		page := u.submitPassword(u.begin())
		offer := u.Get(page.Location().String())
		if !strings.Contains(offer.Body, "48 hours") || !strings.Contains(offer.Body, "Not now") {
			t.Errorf("the offer does not name the time that is left:\n%s", offer.Body)
		}
		wantLevel(t, u.idToken(u.submit(page, "decision", "cancel")), "1", "pwd")

		s.Advance(49 * time.Hour)
		later := &ada{Browser: s.NewBrowser()}
		page = later.submitPassword(later.begin())
		if got := later.errorOf(later.submit(page, "decision", "cancel")); got != "access_denied" {
			t.Errorf("after the grace time: error %q", got)
		}
		wantLevel(t, later.idToken(later.enrol(later.submitPassword(later.begin()))), "2", "pwd", "otp", "mfa")
	})
}

// A trusted device satisfies the policy, but raises no level.
func TestTrustedDeviceSatisfiesThePolicyOnly(t *testing.T) {
	eachFactorServer(t, map[string]string{"second_factor": "required"}, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		u := &ada{Browser: s.NewBrowser()}
		u.idToken(u.enrol(u.submitPassword(u.begin())))
		s.Advance(time.Minute)
		page := u.submitPassword(u.begin("prompt", "login"))
		u.idToken(u.submit(page, "code", u.code(), "trust_device", "on"))

		s.Advance(time.Minute)
		wantLevel(t, u.idToken(u.submitPassword(u.begin("prompt", "login"))), "1", "pwd")
		if page := u.begin("acr_values", "2"); !strings.HasPrefix(page.Location().Path, "/login/second-factor") {
			t.Errorf("acr_values=2 on a trusted device: %s", page.Location())
		}
		other := &ada{Browser: s.NewBrowser()}
		if page := other.submitPassword(other.begin()); !strings.HasPrefix(page.Location().Path, "/login/second-factor") {
			t.Errorf("another device: %s", page.Location())
		}
	})
}

// The page for the second factor works only in the browser of the password, and only while the
// account is enabled.
func TestFirstFactorIsNoSession(t *testing.T) {
	eachFactorServer(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		u := &ada{Browser: s.NewBrowser()}
		u.idToken(u.submitPassword(u.begin()))
		u.idToken(u.enrol(u.begin("acr_values", "2")))
		s.Advance(time.Minute)

		victim := &ada{Browser: s.NewBrowser(), secret: u.secret}
		page := victim.submitPassword(victim.begin())
		otherbrowser := &ada{Browser: s.NewBrowser(), secret: u.secret}
		if got := otherbrowser.Get(page.Location().String()); got.Status != http.StatusBadRequest {
			t.Errorf("another browser opens the page: %d", got.Status)
		}
		s.Advance(11 * time.Minute)
		if got := victim.Get(page.Location().String()); got.Status != http.StatusSeeOther {
			t.Errorf("the password of eleven minutes ago: %d", got.Status)
		}
		page = victim.submitPassword(victim.begin())
		a, err := s.Store.Accounts.AccountByUsername(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Store.Accounts.SetDisabled(t.Context(), a.Subject, true, s.Time()); err != nil {
			t.Fatal(err)
		}
		if got := victim.submit(page, "code", victim.code()); got.Status != http.StatusForbidden || victim.Cookie("ostiary_session") != "" {
			t.Errorf("a disabled account: %d", got.Status)
		}
	})
}

// The first administrator arrives in the account console, signed in, if there is no other.
func TestSetupEndsInTheAccountConsole(t *testing.T) {
	eachFactorServer(t, map[string]string{"console": "off"}, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		token := sha256.Sum256([]byte("a set-up link"))
		if err := s.Store.SetupLinks.InsertSetupLink(t.Context(), token[:], s.Time().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if a, err := s.Store.Accounts.AccountByUsername(t.Context(), "ada"); err != nil || a.AdminRole != account.NoAdminRole {
			t.Fatalf("ada has the role %q: %v", a.AdminRole, err)
		}
		b := s.NewBrowser()
		form := b.Get("/setup?token=a+set-up+link")
		got := b.Post(form.FormAction(), url.Values{
			"token": {"a set-up link"}, "username": {"root"}, "password": {"seven unusual wombats"}, "repeat": {"seven unusual wombats"},
		})
		if got.Status != http.StatusSeeOther || got.Header.Get("Location") != s.URL+"/account" || b.Cookie("ostiary_session") == "" {
			t.Fatalf("after the set-up: %d to %q, session %q\n%s", got.Status, got.Header.Get("Location"), b.Cookie("ostiary_session"), got.Body)
		}
		if page := b.Get(s.URL + "/account"); page.Status != http.StatusOK || !strings.Contains(page.Body, "root") {
			t.Errorf("the account console: %d\n%s", page.Status, page.Body)
		}
	})
}
