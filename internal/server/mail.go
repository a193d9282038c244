package server

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/login"
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
	links := &login.MailLinks{
		Issuer: strings.TrimSuffix(s.Config.Issuer, "/"), LoginApp: s.Config.LoginURL != "", CodeKey: codeKey(s), Accounts: s.Store.Accounts,
		SignUps: s.Store.SignUps, Links: s.Store.OneTimeLinks, Approvals: s.Store.Backchannel, Clients: s.Clients,
	}
	s.Mail = mail.NewWorker(mail.Worker{
		Store: s.Store.Mails, Sender: sender,
		Composer: mail.Composer{Service: s.pages.Name, Support: s.Config.SupportAddress, Templates: templates},
		Complete: links.Complete, Now: s.Now, Log: s.Log,
	})
	s.MailOutbox = mail.Outbox{Store: s.Store.Mails, Worker: s.Mail}
	return nil
}
