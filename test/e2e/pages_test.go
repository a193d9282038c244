//go:build e2e

package e2e

import (
	"net/smtp"
	"os"
	"path/filepath"
	"testing"
)

// tour is a look at one page after the other.
type tour struct {
	*person

	folder string
}

func newTour(t *testing.T) *tour {
	t.Helper()
	folder := os.Getenv("OSTIARY_E2E_SCREENSHOTS")
	if folder == "" {
		folder = t.TempDir()
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return &tour{newPerson(t), folder}
}

// look judges the page that is shown, as everybody may come to see it.
func (v *tour) look(page string) {
	v.t.Helper()
	v.mustBeAccessible(page)
	for _, how := range sights {
		v.mustFit(page, how)
		if how.picture != "" {
			v.keep(filepath.Join(v.folder, page+"-"+how.picture+".png"), how)
		}
	}
	v.restore()
}

func TestEveryPageOfTheWayIsGoodToLookAt(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	v := newTour(t)

	v.open(server.demo)
	v.look("demo-start")
	v.press("#signin")
	v.look("sign-in")
	v.press("#signup")
	v.look("sign-up")
	v.grace("eight unrelated words")
	v.look("sign-up-error")
	v.press("#signin-instead")
	v.signIn(server.username, "not-the-password")
	v.look("sign-in-error")
	v.signIn(server.username, server.password)
	v.look("consent")
	v.press("#deny")
	v.look("demo-error")
	v.press("#again")
	v.press("#signin")
	v.press("#accept")
	v.look("demo-signed-in")
	v.press("#refresh")
	v.press("#introspect")
	v.look("demo-refreshed")
	v.press("#fresh")
	v.look("sign-in-again")
	v.open(authorizeURL(server, map[string][]string{"prompt": {"select_account"}}))
	v.look("choose")

	v.open(server.issuer + "/oauth2/sessions/logout")
	v.look("sign-out")
	v.press("#logout-confirm")
	v.look("signed-out")
	v.open(server.demo)
	v.press("#signout")
	v.look("demo-signed-out")
	v.open(server.demo + "/policy")
	v.look("demo-policy")
}

func TestEveryOtherPageIsGoodToLookAt(t *testing.T) {
	t.Parallel()
	app, file := startPoster(t)
	server := startDev(t, "--clients", file)
	v := newTour(t)

	v.open(server.issuer)
	v.look("home")
	v.open(server.issuer + "/login")
	v.look("error")
	v.open(authorizeURL(server, map[string][]string{"redirect_uri": {"https://example.com/elsewhere"}}))
	v.look("error-of-a-client")
	v.open(server.setup)
	v.look("set-up")
	v.write("#username", "root")
	v.write("#password", "seven unrelated words")
	v.write("#repeat", "eight unrelated words")
	v.press("#setup")
	v.look("set-up-error")
	v.write("#password", "seven unrelated words")
	v.write("#repeat", "seven unrelated words")
	v.press("#setup")
	v.look("set-up-done")
	v.open(server.setup)
	v.look("set-up-gone")

	v.open(server.mail)
	v.look("mail-none")
	server.send(t, "Your new password", "Somebody asked for a new password.\r\nIf it was you, follow http://localhost/reset.")
	v.open(server.mail)
	v.look("mail-list")
	v.press("main li a, main td a")
	v.look("mail-message")

	v.withoutScript()
	v.open(app.request(server))
	v.signIn(server.username, server.password)
	address := v.where()
	v.press("#accept")
	v.look("form-post")
	v.open(address)
	v.sees("#restart", "Start again at Poster")
	v.look("error-of-a-request-that-is-over")
}

func TestTooManyTriesAreToldHowLongToWait(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	v := newTour(t)

	v.open(server.demo)
	v.press("#signin")
	for i := range 10 {
		if status := v.signIn("nobody", "a guess"); status != 403 {
			t.Fatalf("guess %d was answered with %d, want 403", i+1, status)
		}
	}
	if status := v.signIn("nobody", "a guess"); status != 429 {
		t.Errorf("a guess too many was answered with %d, want 429", status)
	}
	v.sees("#fault", "Try again in", "minutes")
	v.look("too-many-tries")
}

// send hands the mail catcher a mail.
func (d *dev) send(t *testing.T, subject, text string) {
	t.Helper()
	message := "From: Ostiary <door@example.com>\r\nTo: Demo Person <demo@example.com>\r\nSubject: " + subject +
		"\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + text + "\r\n"
	if err := smtp.SendMail(d.smtp, nil, "door@example.com", []string{"demo@example.com"}, []byte(message)); err != nil {
		t.Fatal(err)
	}
}
