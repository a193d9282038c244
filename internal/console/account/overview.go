package account

import (
	"slices"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// overview serves GET /account.
func (c *Console) overview(v *visit) error {
	content := pages.AccountOverview{User: v.name(), SignedIn: v.when(v.session.AuthTime), Device: v.session.Origin}
	var err error
	if content.Todos, err = c.todos(v); err != nil {
		return err
	}
	for _, p := range c.pages() {
		if p.card == nil {
			continue
		}
		text, err := p.card(v)
		if err != nil {
			return err
		}
		content.Cards = append(content.Cards, pages.Card{Text: text, Link: pages.Link{URL: c.url(p.path), Text: p.title}})
	}
	return v.show(content)
}

// count returns the message of a card with a number.
func count(key string, n int) messages.Message { return messages.New(key, "n", n) }

// fewCodes is the number of unused recovery codes at which users read that they need new ones.
const fewCodes = 3

// todos returns what users should do so that they can sign in, and others cannot: with the page
// for it, if the console has that page.
func (c *Console) todos(v *visit) ([]pages.Todo, error) {
	if c.LoginApp {
		return nil, nil
	}
	credentials, err := c.Credentials(v.r.Context(), v.account)
	if err != nil {
		return nil, err
	}
	schema, err := c.Attributes.ListAttributes(v.r.Context())
	if err != nil {
		return nil, err
	}
	var list []pages.Todo
	add := func(path string, text messages.Message) {
		all := c.pages()
		if i := slices.IndexFunc(all, func(p page) bool { return p.path == path }); i >= 0 {
			list = append(list, pages.Todo{Text: text, Link: pages.Link{URL: c.url(path), Text: all[i].title}})
		}
	}
	if i := slices.IndexFunc(v.account.Addresses, isUnverified); i >= 0 && c.Mail != nil {
		add("/addresses", messages.New("account.todo.address", "email", v.account.Addresses[i].Address))
	}
	if missesAttribute(v.account, schema) {
		add("/profile", messages.New("account.todo.attribute"))
	}
	of := map[credential.Kind]int{}
	for _, one := range credentials {
		of[one.Kind]++
		if one.Left != nil && *one.Left <= fewCodes {
			add("/recovery-codes", messages.New("account.todo.codes", "n", *one.Left))
		}
	}
	switch strong := of[credential.TOTP] + of[credential.Passkey] + of[credential.SecurityKey]; {
	case strong == 0:
		add("/authenticator", messages.New("account.todo.factor"))
	case of[credential.RecoveryCodes] == 0 && strong == 1:
		add("/recovery-codes", messages.New("account.todo.second"))
	}
	return list, nil
}

func isUnverified(a account.Address) bool { return a.VerifiedAt.IsZero() }
