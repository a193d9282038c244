package pages

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// sample is a page with the same text in every field.
type sample struct {
	page  string
	write func(p *Pages, w http.ResponseWriter, text, link string)
	// ids are the element IDs of the contract.
	ids []string
}

// sampleOTPAuth is the link of the enrolment page, which this server makes.
const sampleOTPAuth = "otpauth://totp/x"

func samples() []sample {
	client := func(text, link string) Client {
		return Client{Name: text, Host: text, LogoURI: link, PolicyURI: link, TermsURI: link, URI: link}
	}
	about := []string{"client-logo", "client-policy", "client-tos"}
	return append(slices.Concat(recoverySamples(client), consoleSamples(client), adminConsoleSamples()), []sample{
		{"signin", func(p *Pages, w http.ResponseWriter, text, link string) {
			c := client(text, link)
			p.SignIn(w, request(), http.StatusOK, SignIn{
				Client: &c, Action: link, Request: text, Username: text, Fault: messages.Literal(text), SignUpURL: link, ForgotURL: link, OtherWayURL: link, Cancel: true,
				Passkey: &Passkey{OptionsURL: link, Action: link, Create: true},
			})
		}, append([]string{"username", "password", "login", "keep", "fault", "signup", "forgot", "other-way", "passkey"}, about...)},
		{"passkeycreate", func(p *Pages, w http.ResponseWriter, text, link string) {
			c := client(text, link)
			p.Show(w, request(), http.StatusOK, PasskeyCreate{
				Client: &c, Action: link, Request: text, Options: text, State: text, Fault: messages.Literal(text),
				Silent: &SilentPasskey{Options: text, State: text, Offer: true},
			})
		}, []string{"passkey", "later", "fault"}},
		{"passkeys", func(p *Pages, w http.ResponseWriter, text, link string) {
			p.Show(w, request(), http.StatusOK, Passkeys{
				Action: link, LostURL: link, Options: text, State: text, RPID: text, UserID: text, Fault: messages.Literal(text),
				List: []PasskeyItem{
					{Info: credential.Info{ID: "id", Label: text}, Synced: true, Copied: true},
					{Info: credential.Info{ID: "key", Label: text}, SecurityKey: true, Elsewhere: text},
				},
				SecurityKey: &NewSecurityKey{Options: text, State: text},
			})
		}, []string{"passkeys", "add-passkey", "add-security-key", "lost-passkeys", "fault"}},
		{"lostpasskeys", func(p *Pages, w http.ResponseWriter, text, link string) {
			p.Show(w, request(), http.StatusOK, LostPasskeys{Action: link, CancelURL: link, Labels: []string{text}})
		}, []string{"confirm", "end-others", "cancel"}},
		{"secondfactor", func(p *Pages, w http.ResponseWriter, text, link string) {
			c := client(text, link)
			p.Show(w, request(), http.StatusOK, SecondFactor{
				Passkey: &Passkey{OptionsURL: link, Action: link},
				Client:  &c, Action: link, Request: text, RecoveryCodeURL: link, SecurityKeyURL: link, LostURL: link, TrustDevice: true, Fault: messages.Literal(text), RetryAfter: time.Minute,
			})
		}, []string{"code", "trust-device", "verify", "cancel", "other-way", "use-security-key", "lost-passkeys", "fault", "passkey"}},
		{"enroloffer", func(p *Pages, w http.ResponseWriter, text, link string) {
			c := client(text, link)
			p.Show(w, request(), http.StatusOK, EnrolOffer{Client: &c, Action: link, Request: text, EnrolURL: link, PasskeyURL: link, Demanded: true})
		}, []string{"enrol", "passkey", "cancel"}},
		{"newpassword", func(p *Pages, w http.ResponseWriter, text, link string) {
			c := client(text, link)
			p.Show(w, request(), http.StatusOK, NewPassword{
				Client: &c, Action: link, Request: text, Username: text, MinLength: 8, Breached: true, EndOthers: true, Fault: messages.Literal(text),
			})
		}, []string{"new-password", "end-others", "save", "cancel", "fault"}},
		{"acceptterms", func(p *Pages, w http.ResponseWriter, text, link string) {
			c := client(text, link)
			p.Show(w, request(), http.StatusOK, AcceptTerms{Client: &c, Action: link, Request: text, Terms: Terms{URL: link, Version: text}, Changed: true})
		}, []string{"terms-link", "accept", "cancel"}},
		{"enrol", func(p *Pages, w http.ResponseWriter, text, link string) {
			c := client(text, link)
			p.Show(w, request(), http.StatusOK, Enrol{Client: &c, Action: link, Request: text, Secret: text, URI: sampleOTPAuth, Fault: messages.Literal(text)})
		}, []string{"secret", "otpauth", "code", "confirm", "cancel", "fault"}},
		{"signup", func(p *Pages, w http.ResponseWriter, text, link string) {
			p.SignUp(w, request(), http.StatusOK, SignUp{
				Client: client(text, link), Action: link, Request: text, Username: text, Name: text, Email: text,
				MinLength: 8, Fault: messages.Literal(text), Field: "password", SignInURL: link,
				Terms: Terms{URL: link, Version: text}, Proof: &Proof{Challenge: text, Bits: 13},
			})
		}, append([]string{"terms", "terms-link", "proof-status", "username", "name", "email", "password", "repeat", "keep", "create", "cancel", "fault", "signin-instead"}, about...)},
		{"choose", func(p *Pages, w http.ResponseWriter, text, link string) {
			p.Choose(w, request(), http.StatusOK, Choose{
				Client: client(text, link), Action: link, Request: text, DisplayName: text, Username: text, OtherURL: link,
			})
		}, append([]string{"continue", "another", "cancel"}, about...)},
		{"consent", func(p *Pages, w http.ResponseWriter, text, link string) {
			p.Consent(w, request(), http.StatusOK, Consent{
				Remember: true,
				Client:   client(text, link), Action: link, Request: text, RedirectHost: text, DisplayName: text,
				Username: text, Scopes: []Scope{DescribeScope(text)}, Lifetime: time.Hour, SwitchURL: link,
			})
		}, append([]string{"accept", "deny", "remember"}, about...)},
		{"device", func(p *Pages, w http.ResponseWriter, text, link string) {
			p.Device(w, request(), http.StatusOK, Device{Action: link, Code: text, Fault: messages.Literal(text), RetryAfter: time.Minute})
		}, []string{"user-code", "user-code-hint", "device-continue", "fault"}},
		{"devicecheck", func(p *Pages, w http.ResponseWriter, text, link string) {
			p.Show(w, request(), http.StatusOK, DeviceCheck{
				Client: client(text, link), Action: link, Code: text, Scopes: []Scope{DescribeScope(text)},
			})
		}, append([]string{"shown-code", "device-warning", "device-deny", "device-accept"}, about...)},
		{"devicedone", func(p *Pages, w http.ResponseWriter, text, link string) {
			c := client(text, link)
			p.DeviceDone(w, request(), http.StatusOK, DeviceDone{Client: &c})
		}, []string{"device-done"}},
		{"signout", func(p *Pages, w http.ResponseWriter, text, link string) {
			c := client(text, link)
			p.SignOut(w, request(), http.StatusOK, SignOut{
				Client: &c, Action: link, Fields: []Field{{text, text}}, DisplayName: text, CancelURL: link,
			})
		}, []string{"logout-confirm"}},
		{"signedout", func(p *Pages, w http.ResponseWriter, text, link string) {
			c := client(text, link)
			p.SignedOut(w, request(), http.StatusOK, SignedOut{Client: &c, ReturnURL: link, Frames: []string{link}})
		}, nil},
		{"leaving", func(p *Pages, w http.ResponseWriter, text, link string) {
			c := client(text, link)
			p.SignedOut(w, request(), http.StatusOK, SignedOut{Client: &c, Next: link, Frames: []string{link, link}})
		}, []string{"continue"}},
		{"error", func(p *Pages, w http.ResponseWriter, text, link string) {
			c := client(text, link)
			p.Error(w, request(), http.StatusBadRequest, Error{
				Code: text, Title: messages.Literal(text), Text: messages.Literal(text), Advice: messages.Literal(text), Detail: text, RequestID: text, Client: &c, RestartURL: link,
			})
		}, []string{"error", "error-code", "restart"}},
		{"setup", func(p *Pages, w http.ResponseWriter, text, link string) {
			p.Show(w, request(), http.StatusOK, Setup{
				Action: link, Token: text, Username: text, MinLength: 15, Fault: messages.Literal(text), Passkey: &NewPasskey{Options: text, State: text},
			})
		}, []string{"username", "password", "repeat", "passkey"}},
		{"setupdone", func(p *Pages, w http.ResponseWriter, text, link string) {
			p.Show(w, request(), http.StatusOK, SetupDone{Username: text, Next: []Link{{link, messages.Literal(text)}}})
		}, nil},
		{"authenticator", func(p *Pages, w http.ResponseWriter, text, link string) {
			p.Show(w, request(), http.StatusOK, Authenticator{
				Action: link, Apps: []AuthenticatorApp{{ID: text, Label: text, CreatedAt: time.Unix(1, 0)}}, BackURL: link,
				Enrolment: &Enrolment{Secret: text, URI: "otpauth://totp/x", Label: text}, Fault: messages.Literal(text),
			})
		}, []string{"secret", "otpauth", "code", "label", "confirm", "fault"}},
		{"recoverycodes", func(p *Pages, w http.ResponseWriter, _, link string) {
			p.Show(w, request(), http.StatusOK, RecoveryCodes{Action: link, Left: 3, CreatedAt: time.Unix(1, 0)})
		}, []string{"left", "generate"}},
		{"newrecoverycodes", func(p *Pages, w http.ResponseWriter, text, link string) {
			p.Show(w, request(), http.StatusOK, NewRecoveryCodes{Action: link, Codes: []string{text}, NextURL: link})
		}, []string{"download", "print"}},
		{"confirmremoval", func(p *Pages, w http.ResponseWriter, text, link string) {
			p.Show(w, request(), http.StatusOK, ConfirmRemoval{
				Action: link, CancelURL: link, ID: text, Title: messages.Literal(text), Text: messages.Literal(text),
			})
		}, []string{"confirm"}},
		{"home", func(p *Pages, w http.ResponseWriter, text, link string) {
			p.Show(w, request(), http.StatusOK, Home{Issuer: text, Discovery: link, Keys: link})
		}, nil},
		{"formpost", func(p *Pages, w http.ResponseWriter, text, link string) {
			p.FormPost(w, request(), http.StatusOK, FormPost{Action: link, Fields: []Field{{text, text}}})
		}, nil},
	}...)
}

// shared returns the pages of most tests.
var shared = sync.OnceValues(func() (*Pages, error) { return New(options()) })

// open renders a page and parses what a browser would get.
func open(t *testing.T, write func(p *Pages, w http.ResponseWriter)) (*httptest.ResponseRecorder, *html.Node) {
	t.Helper()

	p, err := shared()
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	w := httptest.NewRecorder()
	write(p, w)
	doc, err := html.Parse(strings.NewReader(w.Body.String()))
	if err != nil {
		t.Fatalf("parse page: %v", err)
	}
	return w, doc
}

func attr(n *html.Node, name string) (string, bool) {
	i := slices.IndexFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
	if i < 0 {
		return "", false
	}
	return n.Attr[i].Val, true
}

func elements(doc *html.Node, names ...string) []*html.Node {
	var found []*html.Node
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && (len(names) == 0 || slices.Contains(names, n.Data)) {
			found = append(found, n)
		}
	}
	return found
}

// text returns the text of a page, without that of its fields.
func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode && d.Parent.Data != "textarea" {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

func TestEveryPageIsWellMade(t *testing.T) {
	t.Parallel()

	if got, want := len(samples()), len(policies()); got != want {
		t.Fatalf("%d pages are sampled, %d exist", got, want)
	}
	for _, s := range samples() {
		t.Run(s.page, func(t *testing.T) {
			t.Parallel()

			_, doc := open(t, func(p *Pages, w http.ResponseWriter) { s.write(p, w, "Acme", "https://acme.example/x") })

			ids := make(map[string]int)
			labels := make(map[string]bool)
			for _, n := range elements(doc) {
				if id, ok := attr(n, "id"); ok {
					ids[id]++
				}
				if of, ok := attr(n, "for"); ok && n.Data == "label" {
					labels[of] = true
				}
			}
			for id, n := range ids {
				if n != 1 {
					t.Errorf("id %q stands %d times", id, n)
				}
			}
			for _, id := range s.ids {
				if ids[id] != 1 {
					t.Errorf("the promised id %q is missing", id)
				}
			}
			for _, n := range elements(doc, "input") {
				id, _ := attr(n, "id")
				if kind, _ := attr(n, "type"); kind != "hidden" && !labels[id] {
					t.Errorf("input %q has no label", id)
				}
				for by := range strings.FieldsSeq(value(n, "aria-describedby")) {
					if ids[by] != 1 {
						t.Errorf("input %q is described by %q, which is not there", id, by)
					}
				}
			}
			for _, name := range []string{"h1", "main", "header", "title"} {
				got := slices.DeleteFunc(elements(doc, name), func(n *html.Node) bool { return n.Namespace == "svg" })
				if len(got) != 1 || strings.TrimSpace(text(got[0])) == "" {
					t.Errorf("the page has %d of <%s>, or an empty one", len(got), name)
				}
			}
			if lang, _ := attr(elements(doc, "html")[0], "lang"); lang != "en" {
				t.Errorf("lang = %q, want en", lang)
			}
		})
	}
}

func value(n *html.Node, name string) string {
	v, _ := attr(n, name)
	return v
}

func TestNothingOnAPageIsInline(t *testing.T) {
	t.Parallel()

	for _, s := range samples() {
		t.Run(s.page, func(t *testing.T) {
			t.Parallel()

			w, doc := open(t, func(p *Pages, w http.ResponseWriter) {
				s.write(p, w, `"><script>alert(1)</script><b style="x" onclick="y">`, "https://acme.example/")
			})
			for _, n := range elements(doc) {
				for _, a := range n.Attr {
					if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
						t.Errorf("<%s> has the attribute %s=%q", n.Data, a.Key, a.Val)
					}
				}
			}
			if got := elements(doc, "style", "b", "object"); len(got) != 0 {
				t.Errorf("the page holds <%s>", got[0].Data)
			}
			for _, n := range elements(doc, "iframe") {
				if s.page != "signedout" && s.page != "leaving" || value(n, "sandbox") == "" {
					t.Errorf("the page holds a frame of %s", value(n, "src"))
				}
			}
			scripts := elements(doc, "script")
			for _, n := range scripts {
				if !strings.HasPrefix(value(n, "src"), "/static/") || n.FirstChild != nil {
					t.Errorf("a script is not a file of ours: %v", n.Attr)
				}
			}
			scripted := []string{
				"formpost", "leaving", "signin", "secondfactor", "passkeycreate", "passkeys", "newrecoverycodes", "account-data", "account-profile", "console-audit", "console-detail", "console-explain", "console-invitations", "console-trial", "console-connect", "setup", "invitation", "signup",
			}
			if !slices.Contains(scripted, s.page) && len(scripts) != 0 {
				t.Errorf("the page holds %d scripts, want none", len(scripts))
			}
			_, allowed, _ := strings.Cut(w.Header().Get("Content-Security-Policy"), "; script-src ")
			allowed, _, _ = strings.Cut(allowed, ";")
			for _, n := range scripts {
				if hash := value(n, "integrity"); hash == "" && allowed != "'self'" || hash != "" && !strings.Contains(allowed, "'"+hash+"'") {
					t.Errorf("script-src %s blocks the script %v", allowed, n.Attr)
				}
			}
		})
	}
}

func TestTextOfOthersStaysInItsPlace(t *testing.T) {
	t.Parallel()

	const hostile = "Safe\u202eBank\u2066\u200b\x00\ufeff\xff\r\nnew"
	for _, s := range samples() {
		t.Run(s.page, func(t *testing.T) {
			t.Parallel()

			_, doc := open(t, func(p *Pages, w http.ResponseWriter) {
				s.write(p, w, hostile+strings.Repeat("w", 5000), "https://acme.example/")
			})
			for _, n := range elements(doc, "textarea") { // shortening it would change what is sent
				n.RemoveChild(n.FirstChild)
			}
			visible := text(doc)
			if i := strings.IndexFunc(visible, func(r rune) bool {
				return strings.ContainsRune("\u202e\u2066\u200b\x00\ufeff\ufffd\r", r)
			}); i >= 0 {
				t.Errorf("the page shows %q", visible[i:min(len(visible), i+20)])
			}
			if strings.Contains(visible, strings.Repeat("w", lineRunes)) {
				t.Error("the page shows text of any length")
			}
		})
	}
}

func TestNoLinkOfAPageRunsCode(t *testing.T) {
	t.Parallel()

	for _, link := range []string{
		"javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)",
		"data:text/html,<script>alert(1)</script>", "vbscript:x", "blob:https://acme.example/1", "file:///etc/passwd",
		"//evil.example/", `/\evil.example/`, "https://bank.example@evil.example/", "https:evil.example",
	} {
		for _, s := range samples() {
			t.Run(s.page+" "+link, func(t *testing.T) {
				t.Parallel()

				_, doc := open(t, func(p *Pages, w http.ResponseWriter) { s.write(p, w, "Acme", link) })
				for _, n := range elements(doc) {
					for _, name := range []string{"href", "src", "action", "formaction"} {
						if got := value(n, name); got != "" && !strings.HasPrefix(got, "#") && !strings.HasPrefix(got, "/static/") && got != "/language" && got != sampleOTPAuth {
							t.Errorf("<%s %s> leads to %q", n.Data, name, got)
						}
					}
				}
			})
		}
	}
}
