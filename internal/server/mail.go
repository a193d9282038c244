package server

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/mail/mailurl"
)

// NewMailSender returns the sender for the configured mail server.
func NewMailSender(c *config.Config) (*mail.Sender, error) {
	server, err := mailurl.Parse(c.MailURL.Reveal())
	if err != nil {
		return nil, fmt.Errorf("mail_url %w", err)
	}
	issuer, err := url.Parse(c.Issuer)
	if err != nil {
		return nil, err
	}
	return mail.NewSender(server, c.MailFrom, issuer.Hostname(), c.MailCAFile)
}

// composeMail creates the worker that sends mail, unless no mail server is configured.
func composeMail(s *Server) error {
	if !s.Config.HasMail() {
		return nil
	}
	s.Store.NotifyUsers()
	sender, err := NewMailSender(s.Config)
	if err != nil {
		return err
	}
	templates, err := mail.LoadTemplates(s.Config.MailTemplates)
	if err != nil {
		return err
	}
	s.Mail = mail.NewWorker(mail.Worker{
		Store: s.Store.Mails, Sender: sender,
		Composer: mail.Composer{Service: s.pages.Name, Support: s.Config.SupportAddress, Templates: templates},
		Complete: s.completeMail, Now: s.Now, Log: s.Log,
	})
	return nil
}

// completeMail creates the link of a message.
func (s *Server) completeMail(_ context.Context, _ *mail.Message, _ time.Time) (mail.Secret, error) {
	return mail.Secret{}, nil
}
