package config

import (
	"errors"
	"fmt"
	"net/mail"
	"os"
	"strings"

	"golang.org/x/net/idna"

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
func (c *Config) mailConflicts(fault func(wrong bool, key, problem string)) {
	fault(c.HasMail() && c.MailFrom == "", "mail_from", "is required if mail_url is set: the sender of messages")
	for key, value := range map[string]string{"mail_from": c.MailFrom, "mail_ca_file": c.MailCAFile, "mail_templates": c.MailTemplates} {
		fault(!c.HasMail() && value != "", key, "has no effect unless mail_url is set")
	}
	fault(c.SignUp == SignUpDomains && len(c.SignUpDomains) == 0, "sign_up_domains", "is required if sign_up is domains")
	fault(c.SignUp != SignUpDomains && len(c.SignUpDomains) > 0, "sign_up_domains", "has no effect unless sign_up is domains")
}

// signUp accepts the values of [SignUp], and on for open.
func signUp() kind[SignUp] {
	k := oneOf(SignUpOff, SignUpInvited, SignUpDomains, SignUpOpen)
	k.allowed += ", on"
	parse := k.parse
	k.parse = func(text string) (SignUp, error) {
		switch text {
		case "on", "true", "1":
			return SignUpOpen, nil
		case "false", "0":
			return SignUpOff, nil
		}
		return parse(text)
	}
	return k
}

// domains accepts domain names, which it stores in lower case and ASCII.
//
// Spec: RFC 5891 §4.4.
func domains() kind[[]string] {
	return kind[[]string]{
		allowed: "domain names, comma separated",
		parse: func(text string) ([]string, error) {
			var names []string
			for _, item := range list(text) {
				name, err := idna.Lookup.ToASCII(strings.ToLower(item))
				if err != nil || strings.ContainsAny(name, "@/: *") {
					return nil, fmt.Errorf("contains %q, which is not a domain name", item)
				}
				names = append(names, name)
			}
			return names, nil
		},
		write: func(names []string) string { return strings.Join(names, ",") },
	}
}

// CheckServe returns the settings that dev allows and a production server does not, as an
// *[Error].
func (c *Config) CheckServe() error {
	var faults []Fault
	if c.SignUp.ByThemselves() && !c.HasMail() {
		faults = append(faults, Fault{Key: "sign_up", Problem: "is " + string(c.SignUp) + ", which needs mail_url: users confirm their email address"})
	}
	if !c.SignUpVerify {
		faults = append(faults, Fault{Key: "sign_up_verify", Problem: "is off, which is allowed only in dev"})
	}
	if len(faults) > 0 {
		return &Error{faults}
	}
	return nil
}
