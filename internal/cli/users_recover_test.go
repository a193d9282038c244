package cli_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/onetimelink"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
)

func TestRecoverUser(t *testing.T) {
	t.Parallel()
	sh := clitest.NewShell(t)
	sh.Input = servertest.Password + "\n"
	sh.Must("users", "create", "ada", "--password-file=-")
	sh.Input = ""
	const issuer = "--set=issuer=https://id.example/auth"
	servertest.Contains(t, sh.MustFail("users", "recover", "ada"), "issuer: is required")
	link := strings.TrimSpace(sh.Must("users", "recover", "ada", issuer))
	token, isLink := strings.CutPrefix(link, "https://id.example/auth/recover?token=")
	if !isLink || !onetimelink.IsToken(token) {
		t.Errorf("users recover printed %q, want a link of the issuer", link)
	}
	reset := sh.Run("users", "recover", "ada", issuer, "--reset-factors")
	servertest.Contains(t, reset.Err, "removes the passkeys, security keys, authenticator apps and recovery codes of ada")
	_, token, _ = strings.Cut(strings.TrimSpace(reset.Out), "?token=")
	if l, err := sh.Store().OneTimeLinks.Link(t.Context(), onetimelink.Hash(token), time.Now()); err != nil || !l.Data.ResetFactors || !l.Data.Waived {
		t.Errorf("the link is %+v, %v, want one that resets factors", l, err)
	}
	servertest.Contains(t, sh.MustFail("users", "recover", "nobody", issuer), "no user has the username nobody")
	servertest.Contains(t, sh.MustFail("users", "recover", "ada", issuer, "--mail"), "mail_url is not set")
	withMail := []string{"users", "recover", "ada", issuer, "--mail", "--set=mail_url=smtps://mail.example", "--set=mail_from=no-reply@id.example"}
	servertest.Contains(t, sh.MustFail(withMail...), "ada has no verified email address")
	sh.Must("users", "update", "ada", "--claim=email=ada@rp.example", "--claim=email_verified=true")
	servertest.Contains(t, sh.Must(withMail...), "a running server sends a link to ada@rp.example")
	for range 2 {
		sh.Must(withMail...)
	}
	servertest.Contains(t, sh.MustFail(withMail...), "ada@rp.example has received 3 messages in an hour")
	db := sh.Store()
	list, err := db.Mails.ListMails(t.Context(), store.MailFilter{Kind: mail.Recover}, "", 10)
	if err != nil || len(list) != 3 || list[0].To != "ada@rp.example" || list[0].Anonymous {
		t.Errorf("the outbox has %+v, %v, want three messages", list, err)
	}
	sh.Must("users", "disable", "ada")
	servertest.Contains(t, sh.MustFail("users", "recover", "ada", issuer), "disabled")
}
