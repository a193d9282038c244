package pages

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

func byID(doc *html.Node, id string) *html.Node {
	for _, n := range elements(doc) {
		if value(n, "id") == id {
			return n
		}
	}
	return nil
}

func TestSignInSaysHowLongToWait(t *testing.T) {
	t.Parallel()

	w, doc := open(t, func(p *Pages, w http.ResponseWriter) {
		p.SignIn(w, request(), http.StatusTooManyRequests, SignIn{Action: "/login", RetryAfter: 150*time.Second + time.Millisecond})
	})
	if got := w.Header().Get("Retry-After"); got != "151" {
		t.Errorf("Retry-After = %q, want 151", got)
	}
	if got := text(byID(doc, "fault")); !strings.Contains(got, "3 minutes") {
		t.Errorf("the page says %q, want 3 minutes", got)
	}
	if w.Code != http.StatusTooManyRequests {
		t.Errorf("status = %d, want 429", w.Code)
	}
}

func TestSignInPutsTheCursorWhereSomethingIsMissing(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		page SignIn
		want string
	}{
		"nothing is known":              {SignIn{}, "username"},
		"the user name is known":        {SignIn{Username: "ada"}, "password"},
		"the password was wrong":        {SignIn{Username: "ada", Fault: messages.Literal("No.")}, "password"},
		"the person proves it is still": {SignIn{Username: "ada", Reauthenticate: true}, "password"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			_, doc := open(t, func(p *Pages, w http.ResponseWriter) { p.SignIn(w, request(), http.StatusOK, tc.page) })
			var focused []string
			for _, n := range elements(doc) {
				if _, ok := attr(n, "autofocus"); ok {
					focused = append(focused, value(n, "id"))
				}
			}
			if len(focused) != 1 || focused[0] != tc.want {
				t.Errorf("autofocus on %q, want only %q", focused, tc.want)
			}
		})
	}
}

// The passkey is the main action of a page only where no field is.
func TestPagesHaveOneMainAction(t *testing.T) {
	t.Parallel()
	list := append(samples(), sample{page: "secondfactor by passkey only", write: func(p *Pages, w http.ResponseWriter, _, link string) {
		p.Show(w, request(), http.StatusOK, SecondFactor{Action: link, WithoutCode: true, Passkey: &Passkey{OptionsURL: link, Action: link, Primary: true}})
	}}, sample{page: "secondfactor by security key", write: func(p *Pages, w http.ResponseWriter, _, link string) {
		p.Show(w, request(), http.StatusOK, SecondFactor{
			Action: link, WithoutCode: true, TrustDevice: true, Passkey: &Passkey{OptionsURL: link, Action: link}, CodeURL: link,
			SecurityKey: &Passkey{OptionsURL: link, Action: link, Primary: true},
		})
	}})
	for _, s := range list {
		_, doc := open(t, func(p *Pages, w http.ResponseWriter) { s.write(p, w, "Acme", "https://acme.example/x") })
		main := slices.DeleteFunc(elements(doc, "button", "a"), func(n *html.Node) bool {
			return !slices.Contains(strings.Fields(value(n, "class")), "primary")
		})
		if want := strings.HasPrefix(s.page, "secondfactor"); len(main) > 1 || want && len(main) == 0 {
			t.Errorf("%s has %d main actions, want one", s.page, len(main))
		}
	}
}

func TestEnterOnConsentDoesNotAllow(t *testing.T) {
	t.Parallel()

	_, doc := open(t, func(p *Pages, w http.ResponseWriter) {
		p.Consent(w, request(), http.StatusOK, Consent{Client: Client{Name: "Acme"}, Action: "/consent"})
	})
	buttons := elements(elements(doc, "main")[0], "button")
	if len(buttons) != 2 {
		t.Fatalf("consent has %d buttons, want 2", len(buttons))
	}
	for i, want := range []string{"deny", "accept"} {
		if n := buttons[i]; value(n, "id") != want || value(n, "name") != "decision" || value(n, "value") != want {
			t.Errorf("button %d is %v, want %s", i, n.Attr, want)
		}
	}
}

func TestConsentNamesBothHostsInFull(t *testing.T) {
	t.Parallel()

	long := strings.Repeat("accounts.bank.example.", 10) + "evil.example:8443"
	_, doc := open(t, func(p *Pages, w http.ResponseWriter) {
		p.Consent(w, request(), http.StatusOK, Consent{
			Client: Client{Name: "Acme", Host: "notes.acme.example"}, RedirectHost: long, Username: "ada",
			Scopes: []Scope{DescribeScope("https://api.acme.example/notes")},
		})
	})
	page := text(doc)
	for _, want := range []string{"notes.acme.example", long, "ada", "https://api.acme.example/notes"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not name %q", want)
		}
	}
}

func TestSignedOutSaysSo(t *testing.T) {
	t.Parallel()

	_, doc := open(t, func(p *Pages, w http.ResponseWriter) { p.SignedOut(w, request(), http.StatusOK, SignedOut{}) })
	if got := text(elements(doc, "h1")[0]); !strings.Contains(got, "signed out") {
		t.Errorf("heading = %q, want the words signed out", got)
	}
}

func TestErrorPageTexts(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		status int
		fault  Error
		title  string
		code   string
	}{
		"a protocol error":        {400, Error{Code: "invalid_request"}, "Invalid request", "invalid_request"},
		"an unknown client":       {400, Error{Code: "invalid_client"}, "Unknown application", "invalid_client"},
		"the person refused":      {403, Error{Code: "access_denied"}, "Access denied", "access_denied"},
		"a request run out":       {400, Error{Code: "expired_request"}, "This page has expired", "expired_request"},
		"a lost database":         {503, Error{Code: "server_error"}, "Temporarily unavailable", "server_error"},
		"too many requests":       {429, Error{Code: "slow_down"}, "Too many requests", "slow_down"},
		"no such page":            {404, Error{Code: "not_found"}, "Page not found", "not_found"},
		"a fault without a name":  {500, Error{}, "Something went wrong", "server_error"},
		"a caller's own sentence": {400, Error{Code: "x", Title: messages.Literal("Used up")}, "Used up", "x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w, doc := open(t, func(p *Pages, w http.ResponseWriter) { p.Error(w, request(), tc.status, tc.fault) })
			if got := text(elements(doc, "h1")[0]); w.Code != tc.status || got != tc.title {
				t.Errorf("page = %d %q, want %d %q", w.Code, got, tc.status, tc.title)
			}
			if got := text(byID(doc, "error-code")); got != tc.code {
				t.Errorf("code = %q, want %q", got, tc.code)
			}
		})
	}
}

func TestFormPostPassesItsFieldsOnUntouched(t *testing.T) {
	t.Parallel()

	want := []Field{{"code", "oc_x"}, {"state", "a\u202e\"<&' \u200bz"}, {"submit", "1"}}
	for _, action := range []string{"https://acme.example/cb?a=b&c=%2F", "com.acme.app:/cb", "http://127.0.0.1:4711/"} {
		_, doc := open(t, func(p *Pages, w http.ResponseWriter) {
			p.FormPost(w, request(), http.StatusOK, FormPost{Action: action, Fields: want})
		})
		form := elements(doc, "form")[0]
		if got := value(form, "action"); got != action {
			t.Errorf("action = %q, want %q", got, action)
		}
		inputs := elements(doc, "input")
		if len(inputs) != len(want) {
			t.Fatalf("the form has %d fields, want %d", len(inputs), len(want))
		}
		for i, n := range inputs {
			if got := (Field{value(n, "name"), value(n, "value")}); got != want[i] {
				t.Errorf("field %d = %q, want %q", i, got, want[i])
			}
		}
	}
}

func TestPagesCarryTheirPolicy(t *testing.T) {
	t.Parallel()

	formAction := map[string]string{
		"signin": "", "consent": "", "signout": "", "formpost": "",
		"signedout": "'self'", "leaving": "'none'", "error": "'self'", "devicedone": "'self'",
		"setup": "", "setupdone": "'self'", "home": "'self'",
		"authenticator": "'self'", "recoverycodes": "'self'", "newrecoverycodes": "'self'", "passkeys": "'self'", "confirmremoval": "'self'", "lostpasskeys": "'self'",
		"notsignedin": "'self'", "continue": "'self'",
	}
	for _, name := range append(templatesWith("account-"), templatesWith("console-")...) {
		formAction[name] = "'self'"
	}
	for _, s := range samples() {
		t.Run(s.page, func(t *testing.T) {
			t.Parallel()

			w, _ := open(t, func(p *Pages, w http.ResponseWriter) { s.write(p, w, "Acme", "https://acme.example/") })
			directives := make(map[string]string)
			for d := range strings.SplitSeq(w.Header().Get("Content-Security-Policy"), "; ") {
				name, value, _ := strings.Cut(d, " ")
				directives[name] = value
			}
			want := map[string]string{
				"default-src": "'none'", "style-src": "'self'", "img-src": "'self' https: data:", "font-src": "'self'",
				"base-uri": "'none'", "frame-ancestors": "'none'", "form-action": formAction[s.page],
			}
			want["script-src"], want["connect-src"], want["frame-src"] = "", "", ""
			ofOperators := strings.HasPrefix(s.page, "console-") || s.page == "notsignedin" || s.page == "continue"
			if ofOperators || policies()[s.page].referrer == "no-referrer" && s.page != "leaving" { // the pages of one-time links
				want["img-src"] = "'self'"
			}
			if ofOperators {
				want["require-trusted-types-for"], want["trusted-types"] = "'script'", "'none'"
			}
			switch s.page {
			case "console-explain", "console-invitations", "console-trial":
				want["script-src"] = hashes("copy.js")
			case "console-detail":
				want["script-src"], want["connect-src"] = hashes("copy.js", "waiting.js"), "'self'"
			case "console-connect":
				want["script-src"] = hashes("connect.js")
			case "console-audit":
				want["script-src"], want["connect-src"] = hashes("live.js"), "'self'"
			case "formpost", "leaving", "signup", "newrecoverycodes", "passkeys", "account-profile", "setup", "invitation":
				want["script-src"] = "'self'"
			case "signin", "secondfactor", "passkeycreate", "account-data":
				want["script-src"], want["connect-src"] = "'self'", "'self'"
			}
			if s.page == "signedout" || s.page == "leaving" {
				want["frame-src"] = "https://acme.example"
			}
			for name, value := range want {
				if directives[name] != value {
					t.Errorf("%s = %q, want %q", name, directives[name], value)
				}
			}
			for name, value := range map[string]string{
				"Cache-Control": "no-store", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff",
				"Content-Type": "text/html; charset=utf-8",
			} {
				if got := w.Header().Get(name); got != value {
					t.Errorf("%s = %q, want %q", name, got, value)
				}
			}
			isolated := w.Header().Get("Cross-Origin-Opener-Policy") == "same-origin"
			if want := slices.Contains([]string{"setup", "setupdone", "home", "notsignedin", "continue"}, s.page) || policies()[s.page].layout == "console"; isolated != want {
				t.Errorf("isolated from its opener: %v, want %v", isolated, want)
			}
		})
	}
}

func TestAPageIsWrittenWholeOrNotAtAll(t *testing.T) {
	t.Parallel()

	p, err := New(options())
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	w := httptest.NewRecorder()
	defer func() {
		if recover() == nil {
			t.Error("a page without its data was rendered")
		}
		if w.Body.Len() != 0 || len(w.Header()) != 0 {
			t.Errorf("%d bytes under %v were written before the fault", w.Body.Len(), w.Header())
		}
	}()
	p.render(w, request(), http.StatusOK, "home", struct{}{})
}
