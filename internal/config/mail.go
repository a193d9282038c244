package config

import (
	"errors"
	"net/mail"
	"os"

	"github.com/ostiary/ostiary/internal/mail/mailurl"
)

// mailURL accepts the URL of a mail server. It is a secret: it can contain a password.
func mailURL() kind[Secret] {
	return kind[Secret]{
		allowed: "smtp://USER:PASSWORD@HOST:PORT, smtps://..., or smtp+plain://HOST:PORT for a loopback host",
		secret:  true,
		parse: func(text string) (Secret, error) {
			if _, err := mailurl.Parse(text); err != nil {
				return Secret{}, err
			}
			return NewSecret(text), nil
		},
		write: Secret.Reveal,
	}
}

// mailbox accepts an email address, with a name if named is true.
//
// Spec: RFC 5322 §3.4.
func mailbox(named bool) kind[string] {
	allowed := "an email address"
	if named {
		allowed += ", or NAME <ADDRESS>"
	}
	return kind[string]{
		allowed: allowed,
		parse: func(text string) (string, error) {
			if text == "" {
				return "", nil
			}
			if parsed, err := mail.ParseAddress(text); err != nil || !named && parsed.Address != text {
				return "", errors.New("is not an email address")
			}
			return text, nil
		},
		write: func(text string) string { return text },
	}
}

// folder accepts the path of a folder that can be read.
func folder() kind[string] {
	return kind[string]{
		allowed: "the path of a readable folder",
		parse: func(path string) (string, error) {
			if path == "" {
				return "", nil
			}
			if _, err := os.ReadDir(path); err != nil {
				return "", readError(err)
			}
			return path, nil
		},
		write: func(path string) string { return path },
	}
}

// HasMail reports whether the server sends mail.
func (c *Config) HasMail() bool { return !c.MailURL.Empty() }

// mailConflicts calls fault for each error in the combination of settings.
func mailConflicts(c *Config, fault func(wrong bool, key, problem string)) {
	fault(c.HasMail() && c.MailFrom == "", "mail_from", "is required if mail_url is set: the sender of messages")
	for key, value := range map[string]string{"mail_from": c.MailFrom, "mail_ca_file": c.MailCAFile, "mail_templates": c.MailTemplates} {
		fault(!c.HasMail() && value != "", key, "has no effect unless mail_url is set")
	}
}
