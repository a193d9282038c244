package pages

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/session"
)

var samplesFolder = flag.String("samples", "", "write every page in every language to this folder, for test/e2e")

// states returns the pages of samples again: without errors, with empty lists, and in their other
// variants. Their names begin with those of the pages.
func states() []sample {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	when := When{At: now.Add(-3 * time.Hour), Now: now}
	client := func(text string) Client { return Client{Name: text, Host: "app.example"} }
	var all []sample
	add := func(name string, write func(p *Pages, w http.ResponseWriter, text, link string)) {
		all = append(all, sample{page: name, write: write})
	}
	show := func(name string, content func(text, link string) Page) {
		add(name, func(p *Pages, w http.ResponseWriter, text, link string) {
			r := request()
			if policies()[content(text, link).template()].layout != "" {
				r = WithFrame(r, Frame{HomeURL: link, SignOutURL: link, User: text})
			}
			p.Show(w, r, http.StatusOK, content(text, link))
		})
	}
	signIn := func(name string, content func(text, link string) SignIn) {
		add("signin-"+name, func(p *Pages, w http.ResponseWriter, text, link string) {
			p.SignIn(w, request(), http.StatusOK, content(text, link))
		})
	}

	signIn("account", func(_, link string) SignIn { return SignIn{Action: link, ForgotURL: link} })
	signIn("again", func(text, link string) SignIn {
		c := client(text)
		return SignIn{Client: &c, Action: link, Username: text, Reauthenticate: true, OtherURL: link, ForgotURL: link, Cancel: true}
	})
	signIn("blocked", func(text, link string) SignIn {
		c := client(text)
		return SignIn{Client: &c, Action: link, Username: text, Fault: messages.New("sign-in.incorrect"), RetryAfter: 14 * time.Minute, Cancel: true}
	})
	show("secondfactor-code", func(text, link string) Page {
		c := client(text)
		return SecondFactor{Client: &c, Action: link, RecoveryCodeURL: link}
	})
	show("secondfactor-recovery", func(text, link string) Page {
		c := client(text)
		return SecondFactor{Client: &c, Action: link, CodeURL: link, ByRecoveryCode: true}
	})
	show("secondfactor-passkey", func(text, link string) Page {
		c := client(text)
		return SecondFactor{Client: &c, Action: link, Passkey: &Passkey{OptionsURL: link, Action: link, Primary: true}, WithoutCode: true}
	})
	show("secondfactor-security-key", func(text, link string) Page {
		c := client(text)
		return SecondFactor{
			Client: &c, Action: link, WithoutCode: true, TrustDevice: true, Passkey: &Passkey{OptionsURL: link, Action: link},
			SecurityKey: &Passkey{OptionsURL: link, Action: link, Primary: true}, CodeURL: link, RecoveryCodeURL: link,
		}
	})
	show("enroloffer-application", func(text, link string) Page {
		c := client(text)
		return EnrolOffer{Client: &c, Action: link, EnrolURL: link}
	})
	show("enroloffer-deadline", func(text, link string) Page {
		c := client(text)
		return EnrolOffer{Client: &c, Action: link, EnrolURL: link, PasskeyURL: link, Deadline: 7 * 24 * time.Hour}
	})
	show("passkeycreate-offer", func(text, link string) Page {
		c := client(text)
		return PasskeyCreate{Client: &c, Action: link, Options: text, State: text}
	})
	show("passkeys-none", func(text, link string) Page {
		return Passkeys{Action: link, Options: text, State: text, SecurityKey: &NewSecurityKey{Options: text, State: text}}
	})
	show("passkeys-one", func(text, link string) Page {
		return Passkeys{Action: link, AddURL: link, List: []PasskeyItem{{Info: credential.Info{ID: "id", Label: text, CreatedAt: now, LastUsedAt: now}}}}
	})
	add("signup-new", func(p *Pages, w http.ResponseWriter, text, link string) {
		p.SignUp(w, request(), http.StatusOK, SignUp{Client: client(text), Action: link, EmailRequired: true, MinLength: 15, SignInURL: link})
	})
	add("choose-one", func(p *Pages, w http.ResponseWriter, text, link string) {
		p.Choose(w, request(), http.StatusOK, Choose{Client: client(text), Action: link, Username: text})
	})
	add("consent-optional", func(p *Pages, w http.ResponseWriter, text, link string) {
		var scopes []Scope
		for _, name := range []string{"openid", "profile", "email", "address", "phone", "offline_access"} {
			scope := DescribeScope(name)
			scope.Optional = name != "openid"
			scopes = append(scopes, scope)
		}
		p.Consent(w, request(), http.StatusOK, Consent{
			Client: client(text), Action: link, RedirectHost: "app.example", Username: text, Resources: []string{text, text}, Scopes: scopes, Lifetime: 30 * 24 * time.Hour, Remember: true, SwitchURL: link,
		})
	})
	add("consent-nothing", func(p *Pages, w http.ResponseWriter, text, link string) {
		p.Consent(w, request(), http.StatusOK, Consent{Client: client(text), Action: link, RedirectHost: "localhost", Username: text})
	})
	add("device-empty", func(p *Pages, w http.ResponseWriter, _, link string) {
		p.Device(w, request(), http.StatusOK, Device{Action: link})
	})
	add("devicedone-refused", func(p *Pages, w http.ResponseWriter, _, _ string) {
		p.DeviceDone(w, request(), http.StatusOK, DeviceDone{Refused: true})
	})
	add("signout-direct", func(p *Pages, w http.ResponseWriter, text, link string) {
		p.SignOut(w, request(), http.StatusOK, SignOut{Action: link, DisplayName: text, CancelURL: link})
	})
	add("signedout-direct", func(p *Pages, w http.ResponseWriter, _, _ string) {
		p.SignedOut(w, request(), http.StatusOK, SignedOut{})
	})
	for name, e := range map[string]struct {
		code   string
		status int
	}{
		"request": {"invalid_request", http.StatusBadRequest}, "limited": {"slow_down", http.StatusTooManyRequests},
		"unavailable": {"temporarily_unavailable", http.StatusServiceUnavailable}, "not-found": {"not_found", http.StatusNotFound},
		"server": {"server_error", http.StatusInternalServerError}, "denied": {"access_denied", http.StatusForbidden},
		"cross-site": {"request_forbidden", http.StatusForbidden}, "expired": {"expired_request", http.StatusBadRequest},
		"client": {"invalid_client", http.StatusUnauthorized},
	} {
		add("error-"+name, func(p *Pages, w http.ResponseWriter, text, link string) {
			c := client(text)
			p.Error(w, request(), e.status, Error{Code: e.code, RequestID: "01J9Z3W5Q8X7T2B6K4M1N0P9RS", Client: &c, RestartURL: link})
		})
	}
	add("error-address", func(p *Pages, w http.ResponseWriter, _, _ string) {
		p.Error(w, request(), http.StatusForbidden, WrongAddress("https://id.example", "01J9Z3W5Q8X7T2B6K4M1N0P9RS"))
	})
	show("recover-new", func(_, link string) Page { return Recover{Action: link, SignInURL: link} })
	show("recoverfactor-code", func(_, link string) Page { return RecoverFactor{Action: link, OtherURL: link, ByRecoveryCode: true} })
	show("invitation-password", func(text, link string) Page {
		return Invitation{Action: link, Email: text, Username: text, MinLength: 15, Fault: messages.New("password.common"), Field: "password"}
	})
	show("authenticator-list", func(text, link string) Page {
		return Authenticator{
			Action: link, AddURL: link, RecoveryCodesURL: link,
			Apps: []AuthenticatorApp{{ID: "1", Label: text, CreatedAt: now, LastUsedAt: now}, {ID: "2", CreatedAt: now}},
		}
	})
	show("authenticator-codes", func(_, link string) Page {
		return Authenticator{Action: link, AddURL: link, RecoveryCodesURL: link, RecoveryCodes: 1, Apps: []AuthenticatorApp{{ID: "1", CreatedAt: now}}}
	})
	show("recoverycodes-none", func(_, link string) Page { return RecoveryCodes{Action: link} })

	show("account-overview-done", func(text, _ string) Page { return AccountOverview{User: text, SignedIn: when} })
	show("account-sessions-one", func(_, link string) Page {
		return AccountSessions{Action: link, SignOutURL: link, Current: SessionRow{Since: when, Seen: when}}
	})
	show("account-applications-none", func(_, link string) Page { return AccountApplications{Action: link} })
	show("account-activity-none", func(_, _ string) Page { return AccountActivity{} })
	show("account-activity-none-of-topic", func(text, link string) Page {
		return AccountActivity{Action: link, Topics: []Topic{{text, messages.Literal(text), true}}, Selected: true}
	})
	show("account-activity-unknown", func(_, _ string) Page {
		return AccountActivity{Events: []EventRow{{Text: messages.New("application.default-name"), At: when, Origin: session.Origin{Network: "192.0.2.0/24"}}}}
	})
	show("account-profile-new", func(_, link string) Page { return AccountProfile{Action: link, CancelURL: link} })
	show("account-addresses-none", func(_, link string) Page { return AccountAddresses{Action: link} })
	show("account-addresses-full", func(text, link string) Page {
		return AccountAddresses{Action: link, Addresses: []AddressRow{{Address: text, MayVerify: true}}, Full: true}
	})
	show("account-data-new", func(_, link string) Page { return AccountData{Action: link} })
	show("account-data-waiting", func(_, link string) Page { return AccountData{Action: link, Waiting: true} })
	show("notme-notice", func(text, link string) Page { return NotMe{Action: link, Username: text} })
	show("account-password-none", func(text, link string) Page {
		return AccountPassword{Action: link, CancelURL: link, Username: text, MinLength: 8}
	})
	return all
}

// TestPagesInEveryLanguage shows each page in each state and language, and with texts of any
// length.
func TestPagesInEveryLanguage(t *testing.T) {
	t.Parallel()
	for _, language := range append(messages.Tags(), messages.Pseudo) {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			o := options()
			others := slices.DeleteFunc(messages.Tags(), func(tag string) bool { return tag == language })
			o.Languages, o.AccountURL = append([]string{language}, others...), "/account"
			p, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range slices.Concat(samples(), states(), adminConsoleStates()) {
				w := httptest.NewRecorder()
				s.write(p, w, "Ada Lovelace", "https://app.example/x")
				if lang := value(elements(parse(t, w), "html")[0], "lang"); lang != language {
					t.Errorf("%s is in %q, want %q", s.page, lang, language)
				}
				writeSample(t, language, s.page, w)
				if language == messages.English {
					w := httptest.NewRecorder()
					s.write(p, w, "countess.lovelace@analytical-engine.example", "https://an-application-with-a-long-name.example/x")
					writeSample(t, "long", s.page, w)
				}
			}
		})
	}
}

// writeSample writes a page into the folder of the flag, if there is one.
func writeSample(t *testing.T, folder, page string, w *httptest.ResponseRecorder) {
	t.Helper()
	if *samplesFolder == "" {
		return
	}
	dir := filepath.Join(*samplesFolder, folder)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, page+".html"), w.Body.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
