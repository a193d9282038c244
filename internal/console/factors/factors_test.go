package factors_test

import (
	"encoding/base32"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/totp"
)

const (
	authenticatorPage = "/account/authenticator"
	recoveryPage      = "/account/recovery-codes"
)

// ada is a user in a browser.
type ada struct {
	*servertest.Browser

	secret []byte
}

// each runs a test with a user at a server of each engine.
func each(t *testing.T, settings map[string]string, test func(t *testing.T, u *ada)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		test(t, &ada{Browser: servertest.Start(t, db, settings).NewBrowser()})
	})
}

func (u *ada) code() string { return totp.Code(u.secret, totp.Step(u.Server.Time())) }

// open opens a page, signs in with the password where that is required, and returns the page
// that this ends on: of a second factor, if one is required.
func (u *ada) open(path string) servertest.Response {
	u.Server.TB.Helper()
	p := u.Get(path)
	for p.Status == http.StatusSeeOther {
		to := p.Location()
		p = u.Get(to.String())
		if to.Path == "/login" {
			p = u.Post(p.FormAction(), url.Values{
				"request": {p.HiddenField("request")}, "username": {"ada"}, "password": {servertest.Password},
			})
		}
	}
	return p
}

// read returns the secret on an enrolment page.
func (u *ada) read(p servertest.Response) []byte {
	u.Server.TB.Helper()
	shown := regexp.MustCompile(`id="secret"[^>]*>([A-Z2-7 ]+)<`).FindStringSubmatch(p.Body)
	if shown == nil {
		u.Server.TB.Fatalf("no secret: %d\n%s", p.Status, p.Body)
	}
	secret, err := base32.StdEncoding.DecodeString(strings.ReplaceAll(shown[1], " ", ""))
	if err != nil || len(secret) != 20 {
		u.Server.TB.Fatalf("secret %q: %v", shown[1], err)
	}
	return secret
}

// enrol adds an authenticator app.
func (u *ada) enrol() {
	u.Server.TB.Helper()
	u.secret = u.read(u.open(authenticatorPage))
	if p := u.Post(authenticatorPage, url.Values{"code": {u.code()}, "label": {"  My phone "}}); p.Location().Path != authenticatorPage {
		u.Server.TB.Fatalf("the right code: %d to %q\n%s", p.Status, p.Location(), p.Body)
	}
}

// codes returns the recovery codes on a page.
func codes(p servertest.Response) (all []string) {
	for _, match := range regexp.MustCompile(`class="recovery-code">([^<]+)<`).FindAllStringSubmatch(p.Body, -1) {
		all = append(all, match[1])
	}
	return all
}

// wantRefused checks that p sends the user to the page at path before the change.
func (u *ada) wantRefused(what string, p servertest.Response, path string) {
	u.Server.TB.Helper()
	if p.Status != http.StatusSeeOther || p.Location().Path != path {
		u.Server.TB.Errorf("%s: %d to %q, want %s\n%s", what, p.Status, p.Location(), path, p.Body)
	}
}

// A user without an application signs in, adds an authenticator app and gets recovery codes. The
// first code raises the session, so that it is not asked for again.
func TestUserEnrolsAndGetsRecoveryCodes(t *testing.T) {
	each(t, nil, func(t *testing.T, u *ada) {
		t.Helper()
		page := u.open(authenticatorPage)
		u.secret = u.read(page)
		servertest.Contains(t, page.Body, `id="otpauth"`, "otpauth://totp/Ostiary:ada?secret=", "<svg", `id="code"`, `id="confirm"`)
		if again := u.read(u.Get(authenticatorPage)); !slices.Equal(again, u.secret) {
			t.Error("a reload shows another secret")
		}
		if p := u.Post(authenticatorPage, url.Values{"code": {"000000"}}); p.Status != http.StatusBadRequest || !slices.Equal(u.read(p), u.secret) {
			t.Errorf("a wrong code: %d, and the page has another secret\n%s", p.Status, p.Body)
		}
		before := u.Cookie("ostiary_session")
		if p := u.Post(authenticatorPage, url.Values{"code": {u.code()}, "label": {"My phone"}}); p.Status != http.StatusSeeOther || p.Location().Path != authenticatorPage {
			t.Fatalf("the right code: %d to %q\n%s", p.Status, p.Location(), p.Body)
		}
		if after := u.Cookie("ostiary_session"); after == before || after == "" {
			t.Error("the level rose without a new session cookie")
		}
		list := u.Get(authenticatorPage)
		servertest.Contains(t, list.Body, "My phone", "Not used yet", "Create recovery codes")
		servertest.Lacks(t, list.Body, `id="secret"`)

		servertest.Contains(t, u.Get(recoveryPage).Body, "no recovery codes yet", `id="generate"`)
		shown := codes(u.Post(recoveryPage, url.Values{"generate": {"yes"}}))
		if len(shown) != 10 {
			t.Fatalf("%d codes are shown, want 10", len(shown))
		}
		file := u.Post(recoveryPage, url.Values{"download": {"yes"}, "codes": {strings.Join(shown, " ") + " <script> extra"}})
		if file.Body != strings.Join(shown, "\n")+"\n" || file.Header.Get("Content-Disposition") != `attachment; filename="recovery-codes.txt"` ||
			file.Header.Get("Content-Type") != "text/plain; charset=utf-8" || file.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("the file is %q, %v", file.Body, file.Header)
		}
		if p := u.Post(recoveryPage, url.Values{}); p.Status != http.StatusSeeOther {
			t.Errorf("a form without a field: %d, want the page", p.Status)
		}
		page = u.Get(recoveryPage)
		servertest.Contains(t, page.Body, "10 codes are left")
		servertest.Lacks(t, page.Body, shown[0])

		account, err := u.Server.Store.Accounts.AccountByUsername(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		for i, code := range shown[:7] {
			if left, err := u.Server.App.SecondFactors.VerifyRecoveryCode(t.Context(), account.Subject, code, u.Server.Time()); err != nil || left != 9-i {
				t.Fatalf("the code %s: %d left, %v", code, left, err)
			}
		}
		servertest.Contains(t, u.Get(recoveryPage).Body, "3 codes are left", "few codes left")
	})
}

// A change needs a recent authentication at the highest level of the account.
func TestChangesNeedAFreshSession(t *testing.T) {
	each(t, map[string]string{"second_factor": "on_demand"}, func(t *testing.T, u *ada) {
		t.Helper()
		u.enrol()
		list := u.Get(authenticatorPage)
		id := list.Attribute("value", func(a map[string]string) bool { return a["name"] == "remove" })
		u.Server.Advance(5 * time.Minute)
		for name, fields := range map[string]url.Values{
			"remove":           {"remove": {id}},
			"confirmed remove": {"remove": {id}, "confirm": {"yes"}},
			"enrol":            {"code": {u.code()}},
		} {
			u.wantRefused(name+" in an old session", u.Post(authenticatorPage, fields), "/login")
		}
		u.wantRefused("enrolment page in an old session", u.Get(authenticatorPage+"?add=1"), "/login")
		u.wantRefused("generate in an old session", u.Post(recoveryPage, url.Values{"generate": {"yes"}}), "/login")
		for _, path := range []string{authenticatorPage, recoveryPage} {
			if p := u.Get(path); p.Status != http.StatusOK {
				t.Errorf("%s in an old session: %d", path, p.Status)
			}
		}

		// A password alone suffices for the session, but not for a change.
		other := &ada{Browser: u.Server.NewBrowser(), secret: u.secret}
		if p := other.open(authenticatorPage); p.Status != http.StatusOK {
			t.Fatalf("the list with a password: %d", p.Status)
		}
		u.wantRefused("remove with a password", other.Post(authenticatorPage, url.Values{"remove": {id}, "confirm": {"yes"}}), "/login/second-factor")
		second := other.open(authenticatorPage + "?add=1")
		back := other.Follow(other.Post(second.FormAction(), url.Values{"request": {second.HiddenField("request")}, "code": {other.code()}}))
		servertest.Contains(t, back.Body, "My phone")
		other.read(back) // the enrolment of a second app
	})
}

// A secret is void in a new session of the same user.
func TestEnrolmentEndsWithItsSession(t *testing.T) {
	each(t, nil, func(t *testing.T, u *ada) {
		t.Helper()
		shown := u.open(authenticatorPage)
		u.secret = u.read(shown)
		if status := u.SignInWithPassword(servertest.Password); status != http.StatusSeeOther {
			t.Fatalf("sign in again: %d", status)
		}
		p := u.Post(authenticatorPage, url.Values{"enrolment": {shown.HiddenField("enrolment")}, "code": {u.code()}})
		if p.Status != http.StatusBadRequest || slices.Equal(u.read(p), u.secret) {
			t.Errorf("the code of an earlier session: %d\n%s", p.Status, p.Body)
		}
		servertest.Contains(t, p.Body, "This took too long")
		other := &ada{Browser: u.Server.NewBrowser()}
		if secret := other.read(other.open(authenticatorPage)); slices.Equal(secret, u.read(p)) {
			t.Error("two browsers get the same secret")
		}
	})
}

// Removing an app asks once.
func TestUserRemovesAnAuthenticatorApp(t *testing.T) {
	each(t, nil, func(t *testing.T, u *ada) {
		t.Helper()
		u.enrol()
		servertest.Contains(t, u.Get(authenticatorPage).Body, `class="authenticator"`, "<bdi>My phone</bdi>")
		id := u.Get(authenticatorPage).Attribute("value", func(a map[string]string) bool { return a["name"] == "remove" })
		ask := u.Post(authenticatorPage, url.Values{"remove": {id}})
		servertest.Contains(t, ask.Body, `id="confirm"`, "Remove this authenticator app?")
		servertest.Contains(t, u.Get(authenticatorPage).Body, "My phone")
		for _, what := range []string{"remove", "remove again"} {
			p := u.Post(ask.FormAction(), url.Values{"remove": {ask.HiddenField("remove")}, "confirm": {"yes"}})
			if p.Status != http.StatusSeeOther || p.Location().Path != authenticatorPage {
				t.Errorf("%s: %d to %q", what, p.Status, p.Location())
			}
		}
		servertest.Lacks(t, u.Get(authenticatorPage).Body, "My phone")
		if status := (&ada{Browser: u.Server.NewBrowser()}).SignInWithPassword(servertest.Password); status != http.StatusSeeOther {
			t.Errorf("sign in without the app: %d", status)
		}
	})
}

// An enrolment that begins at one replica ends at another, and the session that it raises is
// invalid under its old cookie at both.
func TestEnrolmentMovesBetweenReplicas(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		proxied := map[string]string{"trusted_proxies": "127.0.0.0/8"}
		one := servertest.Start(t, storetest.Open(t, url), proxied)
		proxied["issuer"] = one.URL
		two := servertest.Start(t, storetest.Open(t, url), proxied)
		two.Advance(one.Time().Sub(two.Time()))
		const from = "198.51.100.7"
		atOne, atTwo := one.NewBrowserAt(one, from).Client.Transport, one.NewBrowserAt(two, from).Client.Transport

		u := &ada{Browser: one.NewBrowserAt(one, from)}
		u.secret = u.read(u.open(authenticatorPage))
		old := u.Cookie("ostiary_session")
		u.Client.Transport = atTwo
		if p := u.Post(authenticatorPage, map[string][]string{"code": {u.code()}, "label": {"My phone"}}); p.Status != http.StatusSeeOther {
			t.Fatalf("the code at the other replica: %d\n%s", p.Status, p.Body)
		}
		u.Client.Transport = atOne
		servertest.Contains(t, u.Get(authenticatorPage).Body, "My phone")
		for name, replica := range map[string]http.RoundTripper{"one": atOne, "two": atTwo} {
			thief := &ada{Browser: one.NewBrowserAt(one, from)}
			thief.Client.Transport = replica
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, one.URL+authenticatorPage, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			r.AddCookie(&http.Cookie{Name: "ostiary_session", Value: old})
			if p := servertest.Send(t, thief.Client, r); p.Location().Path != "/login" {
				t.Errorf("the old cookie at replica %s: %d to %q", name, p.Status, p.Location())
			}
		}
	})
}

// With a login app of the operator, the pages do not exist.
func TestNoPagesWithALoginApp(t *testing.T) {
	t.Parallel()

	s := servertest.StartWithApps(t, storetest.New(t), nil)
	for _, path := range []string{authenticatorPage, recoveryPage} {
		if p := s.NewBrowser().Get(path); p.Status != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, p.Status)
		}
	}
}
