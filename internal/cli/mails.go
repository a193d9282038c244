package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/server"
	"github.com/ostiary/ostiary/internal/store"
)

// mailsCommand shows and tests the delivery of messages to users.
type mailsCommand struct {
	List  mailsList  `cmd:"" help:"List messages to users, without their texts."`
	Retry mailsRetry `cmd:"" help:"Send failed messages again, with new links."`
	Test  mailsTest  `cmd:"" help:"Send a test message now, to check mail_url and mail_from."`
}

type mailsList struct {
	outputFlags

	State string `help:"Only messages in this state: pending, sent, failed or discarded." enum:",pending,sent,failed,discarded" default:"" placeholder:"STATE"`
}

type mailsRetry struct {
	IDs []string `arg:"" name:"id" optional:"" help:"Message IDs, as shown by mails list."`
	All bool     `help:"All failed messages."`
}

type mailsTest struct {
	Address string `arg:"" help:"The recipient."`
}

// Run lists the messages.
func (cmd *mailsList) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		var views []mailView
		for after := ""; ; {
			list, err := d.store.Mails.ListMails(ctx, store.MailFilter{State: mail.State(cmd.State)}, after, pageSize)
			if err != nil {
				return err
			}
			for _, m := range list {
				views = append(views, viewMail(m))
			}
			if len(list) < pageSize {
				return printList(s.Out, cmd.outputFlags, mailColumns(), views)
			}
			after = list[len(list)-1].ID
		}
	})
}

// Run makes the messages due.
func (cmd *mailsRetry) Run(ctx context.Context, s Streams, c *commandLine) error {
	if (len(cmd.IDs) > 0) == cmd.All {
		return errors.New("either message IDs or --all is required")
	}
	return c.withDatabase(ctx, s, func(d *database) error {
		if cmd.All {
			count, err := d.store.Mails.RetryFailedMails(ctx, now())
			if err != nil {
				return err
			}
			return s.printf("messages due now: %d; a running server sends them", count)
		}
		for _, id := range cmd.IDs {
			err := d.store.Mails.RetryMail(ctx, id, now())
			if errors.Is(err, mail.ErrNotFound) {
				err = fmt.Errorf("no message with the ID %q has failed or waits: see mails list", id)
			}
			if err != nil {
				return err
			}
		}
		return s.printf("messages due now: %d; a running server sends them", len(cmd.IDs))
	})
}

// Run sends the message, without the outbox.
func (cmd *mailsTest) Run(ctx context.Context, s Streams, c *commandLine) error {
	if err := account.CheckEmail(cmd.Address); err != nil {
		return err
	}
	conf, err := c.load("issuer")
	if err != nil {
		return err
	}
	if !conf.HasMail() {
		return errors.New("mail_url is not set, so the server sends no mail")
	}
	sender, err := server.NewMailSender(conf)
	if err != nil {
		return err
	}
	if err := sender.SendTest(ctx, cmd.Address, conf.Issuer, now()); err != nil {
		return err
	}
	return s.printf("the mail server accepted a test message to %s", cmd.Address)
}

// mailView is a message in output.
type mailView struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind"`
	To        string    `json:"to"`
	Subject   string    `json:"subject,omitempty"`
	State     string    `json:"state"`
	Attempts  int       `json:"attempts"`
	Fault     string    `json:"fault,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	DueAt     time.Time `json:"due_at,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
}

func viewMail(m *mail.Message) mailView {
	due := m.DueAt
	if m.State != mail.Pending {
		due = time.Time{}
	}
	return mailView{
		m.ID, string(m.Kind), m.To, m.Subject, string(m.State), m.Attempts, m.LastError,
		storedTime(m.CreatedAt), storedTime(due), storedTime(m.EndedAt),
	}
}

func mailColumns() table[mailView] {
	return table[mailView]{
		[]string{"ID", "KIND", "TO", "STATE", "ATTEMPTS", "CREATED", "DUE", "ENDED", "ERROR"},
		func(v mailView) []string {
			return []string{
				v.ID, v.Kind, v.To, v.State, strconv.Itoa(v.Attempts), formatTime(v.CreatedAt), formatTime(v.DueAt), formatTime(v.EndedAt), v.Fault,
			}
		},
	}
}
