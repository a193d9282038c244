package login_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/activity"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

const termsVersion = "2026-11-30"

// withTerms are the settings of a server with terms.
func withTerms(settings map[string]string) map[string]string {
	settings["terms_url"], settings["terms_version"] = "https://example.org/terms", termsVersion
	return settings
}

func startWithTerms(t *testing.T, db *store.Store) *servertest.Server {
	t.Helper()
	return servertest.Start(t, db, withTerms(map[string]string{"rate_limits": "off", "sign_up": "open"}))
}

// wantTerms compares the terms that a user has accepted with the current version, and the events
// about them.
func wantTerms(s *servertest.Server, username, version string, events int) *account.Account {
	s.TB.Helper()
	a, err := s.Store.Accounts.AccountByUsername(s.TB.Context(), username)
	if err != nil {
		s.TB.Fatal(err)
	}
	if a.Terms.Version != version || a.Terms.At.IsZero() != (version == "") {
		s.TB.Errorf("%s has accepted %+v, want the version %q", username, a.Terms, version)
	}
	list, err := s.Store.Activity.ListActivity(s.TB.Context(), a.Subject, "", 100)
	if err != nil {
		s.TB.Fatal(err)
	}
	n := 0
	for _, e := range list {
		if e.Kind == activity.TermsAccepted {
			n++
		}
	}
	if n != events {
		s.TB.Errorf("%d events about terms of %s, want %d", n, username, events)
	}
	return a
}

// A user who has not accepted the current terms is asked once, also in a session, before an
// application gets a response.
func TestTermsAreAcceptedOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := startWithTerms(t, db)
		u := &ada{Browser: s.NewBrowser()}
		p := u.submitPassword(u.begin())
		p = u.Get(p.Location().String())
		wantPage(t, "after the password", p, "/login/terms")
		if got := u.errorOf(u.begin("prompt", "none")); got != "interaction_required" {
			t.Errorf("prompt=none: error %q, want interaction_required", got)
		}
		wantPage(t, "the account console", u.Get("/account"), "/login/terms")
		form := u.Get(p.Location().String())
		servertest.Contains(t, form.Body, `id="accept"`, `id="cancel"`, `href="https://example.org/terms"`, termsVersion)
		wantPage(t, "an earlier version", u.Get(submitForm(u.Browser, form, "terms", "2020").Location().String()), "/login/terms")
		wantTerms(s, "ada", "", 0)

		tab := u.Get(u.begin().Location().String())
		u.idToken(submitForm(u.Browser, form, "terms", termsVersion))
		wantTerms(s, "ada", termsVersion, 1)
		u.idToken(submitForm(u.Browser, tab, "terms", termsVersion))
		wantTerms(s, "ada", termsVersion, 1)
		u.idToken(u.begin("prompt", "none"))
		other := &ada{Browser: s.NewBrowser()}
		other.idToken(other.submitPassword(other.begin()))
		servertest.Contains(t, u.Get("/account/activity").Body, "Terms of service accepted, version "+termsVersion)
		u.Post("/account/data", nil)
		servertest.Must(t, s.App.DataFiles.MakeNext(t.Context()))
		servertest.Contains(t, u.Get("/account/data/file").Body, `"terms": {`, termsVersion)
	})
}

// A user who has accepted an earlier version reads that the terms have changed.
func TestChangedTermsAreAcceptedAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := startWithTerms(t, db)
		a, err := db.Accounts.AccountByUsername(t.Context(), "ada")
		servertest.Must(t, err)
		servertest.Must(t, db.Terms.AcceptTerms(t.Context(), a.Subject, "2020", s.Time()))
		u := &ada{Browser: s.NewBrowser()}
		p := u.Get(u.submitPassword(u.begin()).Location().String())
		form := u.Get(p.Location().String())
		servertest.Contains(t, form.Body, "have changed since you accepted them")
		u.idToken(submitForm(u.Browser, form, "terms", termsVersion))
		wantTerms(s, "ada", termsVersion, 2)
	})
}

// A user who declines is signed out, and the application gets access_denied. Only the session in
// which the page was shown decides.
func TestDecliningTermsSignsOut(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := startWithTerms(t, db)
		u := &ada{Browser: s.NewBrowser()}
		p := u.Get(u.submitPassword(u.begin()).Location().String())
		form := u.Get(p.Location().String())
		request := form.HiddenField("request")
		for _, field := range []string{"decision=cancel", "terms=" + termsVersion} {
			values, err := url.ParseQuery(field + "&request=" + request)
			servertest.Must(t, err)
			wantPage(t, "in another session", u.Get(u.Post("/login/terms?session=other", values).Location().String()), "/login/terms")
		}
		if got := u.errorOf(submitForm(u.Browser, form, "decision", "cancel")); got != "access_denied" {
			t.Errorf("error %q, want access_denied", got)
		}
		if got := u.errorOf(u.begin("prompt", "none")); got != "login_required" {
			t.Errorf("afterwards: error %q, want login_required", got)
		}
		wantTerms(s, "ada", "", 0)
		if p := u.Get("/login/terms?request=" + request); p.Status == http.StatusOK {
			t.Errorf("the page of a request that has ended: %d", p.Status)
		}
	})
}

// Users who create an account accept the terms on the form, and are not asked again.
func TestNewUsersAcceptTerms(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := startWithTerms(t, db)
		b := s.NewBrowser()
		form := b.Get(b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "create").Encode()).Location().String())
		fields := []string{"username", "grace", "password", newPassword, "repeat", newPassword, "terms"}
		for _, version := range []string{"", "2020"} {
			p := submitForm(b, form, append(fields, version)...)
			if p.Status != http.StatusBadRequest || element(p, "fault") == "" || element(p, "terms") == "" {
				t.Errorf("with the version %q: %d\n%s", version, p.Status, p.Body)
			}
		}
		p := submitForm(b, form, append(fields, termsVersion)...)
		(&ada{Browser: b}).idToken(p)
		wantTerms(s, "grace", termsVersion, 1)
	})
}

// The terms are those of the form, also if the address is confirmed later, or for an invitation.
func TestTermsOfSignUpsAndInvitations(t *testing.T) {
	eachMailServer(t, withTerms(verified()), func(t *testing.T, s *mailServer) {
		t.Helper()
		b := s.NewBrowser()
		signedUp := s.Time()
		form := b.Get(b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "create").Encode()).Location().String())
		fields := []string{"username", "grace", "email", "grace@example.com", "password", newPassword, "repeat", newPassword}
		if p := submitForm(b, form, fields...); p.Status != http.StatusBadRequest {
			t.Errorf("without the terms: %d", p.Status)
		}
		submitForm(b, form, append(fields, "terms", termsVersion)...)
		s.Advance(time.Minute)
		wantUser(s, b, submitForm(b, open(b, s.link("grace@example.com")), "confirm", "yes"), "grace")
		if a := wantTerms(s.Server, "grace", termsVersion, 1); !a.Terms.At.Equal(signedUp) {
			t.Errorf("accepted at %s, want %s", a.Terms.At, signedUp)
		}

		guest := s.NewBrowser()
		invitations := &manage.Invitations{
			Issuer: s.URL, Groups: s.Store.Groups, Links: s.Store.OneTimeLinks, Now: s.Time,
		}
		link, _, err := invitations.Link(t.Context(), manage.Invitee{Address: "joan@example.com", By: "root"})
		servertest.Must(t, err)
		invited := open(guest, link)
		if p := submitForm(guest, invited, "username", "joan", "password", newPassword); p.Status != http.StatusBadRequest || element(p, "fault") == "" {
			t.Errorf("an invitation without the terms: %d", p.Status)
		}
		submitForm(guest, invited, "username", "joan", "password", newPassword, "terms", termsVersion)
		wantTerms(s.Server, "joan", termsVersion, 1)
	})
}
