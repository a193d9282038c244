package account

import (
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// overview serves GET /account.
func (c *Console) overview(v *visit) error {
	content := pages.AccountOverview{User: v.name(), SignedIn: v.when(v.session.AuthTime), Device: v.session.Origin}
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
