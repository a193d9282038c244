//go:build e2e

package e2e

import (
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

// tour checks the pages of a flow.
type tour struct {
	*browser

	folder    string // of screenshots; empty for none
	language  string // of the browser; empty for English
	unchecked bool   // check does nothing
}

const (
	english = messages.English
	german  = "de" // the language with the longest words
)

// newTour opens a tab for a tour in a language, English if there is none.
func newTour(t *testing.T, language ...string) *tour {
	t.Helper()
	v := &tour{browser: newBrowser(t), folder: os.Getenv("OSTIARY_E2E_SCREENSHOTS")}
	if v.folder != "" {
		if err := os.MkdirAll(v.folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	v.speak(append(language, english)[0])
	return v
}

// check tests accessibility and layout of the current page in all views. In another language than
// English it tests what only the words change: that the page is in the language, and fits a phone.
func (v *tour) check(page string) {
	v.t.Helper()
	if v.unchecked {
		return
	}
	v.mustSpeak(page)
	if v.language == english {
		v.mustBeAccessible(page)
		v.mustPassAxe(page)
	}
	for _, view := range views {
		if v.language != english && view.width > 400 {
			continue
		}
		v.mustFit(page, view)
		if v.language == english {
			v.mustContrast(page, view)
		}
		if view.picture != "" && v.folder != "" {
			v.keep(filepath.Join(v.folder, page+"-"+v.language+"-"+view.picture+".png"), view)
		}
	}
	v.restore()
}

// checkInEachLanguage tests a page that a reload shows again.
func (v *tour) checkInEachLanguage(page string) {
	v.t.Helper()
	if v.unchecked {
		return
	}
	for _, language := range messages.Tags() {
		if language == english {
			continue
		}
		v.speak(language)
		v.open(v.address())
		v.check(page)
	}
	v.speak(english)
	v.open(v.address())
	v.check(page)
}

func TestPagesOfTheSignInFlowAreAccessible(t *testing.T) {
	t.Parallel()
	for _, language := range []string{english, german} {
		t.Run(language, func(t *testing.T) {
			tourSignIn(newTour(t, language), startDev(t))
		})
	}
}

func tourSignIn(v *tour, server *dev) {
	v.t.Helper()
	v.open(server.demo)
	v.check("demo-start")
	v.press("#signin")
	v.check("sign-in")
	v.press("#signup")
	v.check("sign-up")
	v.createAccount("eight unrelated words")
	v.check("sign-up-error")
	v.press("#signin-instead")
	v.signIn(server.username, "not-the-password")
	v.check("sign-in-error")
	v.signIn(server.username, server.password)
	v.check("consent")
	v.press("#deny")
	v.check("demo-error")
	v.press("#again")
	v.press("#signin")
	v.press("#accept")
	v.check("demo-signed-in")
	v.press("#refresh")
	v.press("#introspect")
	v.check("demo-refreshed")
	v.press("#fresh")
	v.check("sign-in-again")
	v.open(server.authorizeURL(map[string][]string{"prompt": {"select_account"}}))
	v.check("choose")

	v.open(server.issuer + "/oauth2/sessions/logout")
	v.check("sign-out")
	v.press("#logout-confirm")
	v.check("signed-out")
	v.open(server.demo)
	v.press("#signout")
	v.check("demo-signed-out")
	v.open(server.demo + "/policy")
	v.check("demo-policy")
}

func TestPagesOfTheAccountAreAccessible(t *testing.T) {
	t.Parallel()
	v, server := newTour(t), startDev(t)
	v.open(server.issuer + "/account")
	v.signIn(server.username, server.password)
	for _, page := range []string{"", "/sessions", "/applications", "/password", "/profile", "/addresses", "/activity", "/data", "/passkeys", "/authenticator", "/recovery-codes"} {
		v.open(server.issuer + "/account" + page)
		v.checkInEachLanguage("account" + strings.ReplaceAll(page, "/", "-"))
	}
}

func TestOtherPagesAreAccessible(t *testing.T) {
	t.Parallel()
	for _, language := range []string{english, german} {
		t.Run(language, func(t *testing.T) {
			app, file := startPoster(t)
			server := startDev(t, "--clients", file)
			tourOthers(newTour(t, language), server)
			tourFormPost(newTour(t, language), server, app)
		})
	}
}

func tourOthers(v *tour, server *dev) {
	v.t.Helper()
	v.open(server.issuer)
	v.check("home")
	v.open(server.issuer + "/login")
	v.check("error")
	v.open(server.authorizeURL(map[string][]string{"redirect_uri": {"https://example.com/elsewhere"}}))
	v.check("error-of-a-client")
	v.open(server.setup)
	v.check("set-up")
	v.write("#username", "root")
	v.write("#password", "seven unrelated words")
	v.write("#repeat", "eight unrelated words")
	v.press("#setup")
	v.check("set-up-error")
	v.write("#password", "seven unrelated words")
	v.write("#repeat", "seven unrelated words")
	v.press("#setup")
	v.check("set-up-done")
	v.open(server.setup)
	v.check("set-up-gone")

	v.open(server.mail)
	v.check("mail-none")
	server.send(v.t, "Your new password", "Somebody asked for a new password.\r\nIf it was you, follow http://localhost/reset.")
	v.open(server.mail)
	v.check("mail-list")
	v.press("main li a, main td a")
	v.check("mail-message")
}

// tourFormPost checks the response by form_post without script, and an ended request.
func tourFormPost(v *tour, server *dev, app *poster) {
	v.t.Helper()
	v.disableScript()
	v.open(app.request(server))
	v.signIn(server.username, server.password)
	address := v.address()
	v.press("#accept")
	v.check("form-post")
	v.open(address)
	v.wantText("#restart", "Poster")
	v.check("error-of-a-request-that-is-over")
}

func TestTooManyAttemptsShowTheWaitingTime(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	v := newTour(t)

	v.open(server.demo)
	v.press("#signin")
	for i := range 10 {
		if status := v.signIn("nobody", "a guess"); status != 403 {
			t.Fatalf("status of attempt %d = %d, want 403", i+1, status)
		}
	}
	if status := v.signIn("nobody", "a guess"); status != 429 {
		t.Errorf("status of an attempt after the limit = %d, want 429", status)
	}
	v.wantText("#fault", "Try again in", "minutes")
	v.check("too-many-tries")
}

// send sends a mail to the mail catcher.
func (d *dev) send(t *testing.T, subject, text string) {
	t.Helper()
	message := "From: Ostiary <door@example.com>\r\nTo: Demo Person <demo@example.com>\r\nSubject: " + subject +
		"\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + text + "\r\n"
	if err := smtp.SendMail(d.smtp, nil, "door@example.com", []string{"demo@example.com"}, []byte(message)); err != nil {
		t.Fatal(err)
	}
}
