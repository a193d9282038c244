package mail

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/language"

	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// Secret is the one-time part of a message, which is created when the message is sent.
type Secret struct {
	Link     string
	Code     string
	Lifetime time.Duration
}

// Composer writes the texts of messages.
type Composer struct {
	Service   string // the name of the service
	Support   string // the support address; empty for none
	Templates Templates
}

// text is a message in one language.
type text struct{ subject, body string }

// compose returns the text of m in the language of its recipient, or in the nearest one that
// exists.
func (c *Composer) compose(m *Message, secret Secret) (text, error) {
	catalogue, err := catalogueFor(m.Language)
	if err != nil {
		return text{}, err
	}
	values := c.values(m, secret, catalogue)
	if template, ok := c.Templates.find(m.Kind, m.Language); ok {
		return template.fill(values), nil
	}
	var args []any
	for name, value := range values {
		args = append(args, name, value)
	}
	paragraphs := []string{catalogue.Text(messages.New("mail."+string(m.Kind)+".text", args...))}
	if secret.Link != "" && m.Kind.MayHaveLink() {
		paragraphs = append(paragraphs, catalogue.Text(messages.New("mail.not-me", args...)))
	}
	if values["client"] != "" {
		paragraphs = append(paragraphs, catalogue.Text(messages.New("mail.client", args...)))
	}
	if c.Support != "" {
		paragraphs = append(paragraphs, catalogue.Text(messages.New("mail.support", args...)))
	}
	return text{
		subject: oneLine(catalogue.Text(messages.New("mail."+string(m.Kind)+".subject", args...))),
		body:    strings.Join(paragraphs, "\n\n") + "\n",
	}, nil
}

// values returns the arguments of a text. All are set, so that any text may use any of them.
func (c *Composer) values(m *Message, secret Secret, catalogue *messages.Catalogue) map[string]string {
	values := map[string]string{
		"service": c.Service, "support": c.Support, "link": secret.Link, "code": secret.Code,
		"lifetime": catalogue.Text(messages.Duration(secret.Lifetime)),
	}
	for _, name := range dataArguments() {
		values[name] = oneLine(m.Data[name])
	}
	if m.Kind == NewDevice {
		values["detail"] = deviceText(m.Data, catalogue)
	}
	if text := credentialText(credential.Kind(m.Data[credentialKind]), catalogue); text != "" {
		if label := values["detail"]; label != "" && !strings.EqualFold(label, text) {
			text += " (" + label + ")"
		}
		values["detail"] = text
	}
	return values
}

// credentialText returns the name of a kind of credential, empty for another kind.
func credentialText(kind credential.Kind, catalogue *messages.Catalogue) string {
	switch kind {
	case credential.Passkey:
		return catalogue.Text(messages.New("mail.credential.passkey"))
	case credential.SecurityKey:
		return catalogue.Text(messages.New("mail.credential.security-key"))
	case credential.Password:
		return catalogue.Text(messages.New("mail.credential.password"))
	case credential.TOTP:
		return catalogue.Text(messages.New("mail.credential.authenticator"))
	case credential.RecoveryCodes:
		return catalogue.Text(messages.New("mail.credential.recovery-codes"))
	default:
		return ""
	}
}

// deviceText describes a device in words, with its network.
func deviceText(data map[string]string, catalogue *messages.Catalogue) string {
	browser, system, network := oneLine(data[deviceBrowser]), oneLine(data[deviceSystem]), oneLine(data[deviceNetwork])
	text := catalogue.Text(messages.Device(browser, system))
	if network == "" {
		return text
	}
	return text + ", " + network
}

// dataArguments returns the names of the arguments that [Message.Data] has: the username and
// the client are of the account and the application involved, detail names the device,
// credential or address that a notice is about.
func dataArguments() []string { return []string{"username", "client", "detail"} }

// arguments returns the names of all arguments of texts.
func arguments() []string {
	return append(dataArguments(), "service", "support", "link", "code", "lifetime")
}

// catalogueFor returns the catalogue that fits a language tag best, that of English for an
// empty tag.
//
// Spec: RFC 4647 §3.4.
func catalogueFor(tag string) (*messages.Catalogue, error) {
	tags := messages.Tags()
	offered := make([]language.Tag, len(tags))
	for i, t := range tags {
		offered[i] = language.Make(t)
	}
	_, best := language.MatchStrings(language.NewMatcher(offered), tag)
	c, err := messages.Load(tags[best])
	if err != nil {
		return nil, fmt.Errorf("load texts: %w", err)
	}
	return c, nil
}

// oneLine replaces line breaks and other control characters by spaces.
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, s))
}
