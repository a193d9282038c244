package cli_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/dev/mailcatcher"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

func TestListMails(t *testing.T) {
	t.Parallel()
	sh, s := visited(t)
	if err := s.Mails.EnqueueMail(context.Background(), mail.New(mail.NewDevice, "ada@rp.example", time.Now())); err != nil {
		t.Fatal(err)
	}
	var got []cli.MailView
	sh.JSON(&got, "mails", "list", "--state=pending")
	if len(got) != 1 || got[0].To != "ada@rp.example" || got[0].Kind != "new-device" || got[0].DueAt.IsZero() {
		t.Errorf("mails list = %+v, want the pending message", got)
	}
	servertest.Contains(t, sh.Must("mails", "list"), "new-device", "ada@rp.example", "pending")
	sh.JSON(&got, "mails", "list", "--state=sent")
	if len(got) != 0 {
		t.Errorf("mails list --state=sent = %+v, want none", got)
	}
}

func TestSendTestMail(t *testing.T) {
	t.Parallel()
	sh := clitest.NewShell(t)
	servertest.Contains(t, sh.MustFail("mails", "test", "--set=issuer=https://id.example", "ada@rp.example"), "mail_url is not set")

	catcher := mailcatcher.New(mailcatcher.Config{})
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = catcher.Serve(l) }()
	t.Cleanup(func() { _ = catcher.Close() })
	args := []string{
		"mails", "test", "--set=issuer=https://id.example", "--set=mail_url=smtp+plain://" + l.Addr().String(),
		"--set=mail_from=no-reply@id.example",
	}
	servertest.Contains(t, sh.MustFail(append(args, "not an address")...), "not an email address")
	servertest.Contains(t, sh.Must(append(args, "ada@rp.example")...), "accepted a test message to ada@rp.example")
	if got := catcher.Messages(); len(got) != 1 || got[0].EnvelopeTo[0] != "ada@rp.example" {
		t.Errorf("the mail server got %+v, want one message to ada@rp.example", got)
	}
}

func TestRetryMails(t *testing.T) {
	t.Parallel()
	sh, s := visited(t)
	ctx, now := context.Background(), time.Now()
	fail := func() *mail.Message {
		t.Helper()
		servertest.Must(t, s.Mails.EnqueueMail(ctx, mail.New(mail.NewDevice, "ada@rp.example", now)))
		m, err := s.Mails.ClaimMail(ctx, now, now.Add(time.Minute))
		servertest.Must(t, err)
		servertest.Must(t, s.Mails.EndMail(ctx, m, mail.Failed, now))
		return m
	}
	first := fail()
	fail()
	servertest.Contains(t, sh.MustFail("mails", "retry"), "--all")
	servertest.Contains(t, sh.MustFail("mails", "retry", "unknown"), `no message with the ID "unknown" has failed or waits`)
	servertest.Contains(t, sh.Must("mails", "retry", first.ID), "due now: 1")
	servertest.Contains(t, sh.MustFail("mails", "retry", first.ID), "has failed or waits") // it is due
	servertest.Contains(t, sh.Must("mails", "retry", "--all"), "due now: 1")
	servertest.Contains(t, sh.Must("mails", "retry", "--all"), "due now: 0")
}
