package account

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// applications serves GET /account/applications. With the parameter revoke, a client ID, it asks
// once whether the application loses access.
func (c *Console) applications(v *visit) error {
	list, err := c.Consents.Applications(v.r.Context(), v.session.Subject, v.now)
	if err != nil {
		return err
	}
	if id := v.r.Form.Get("revoke"); id != "" {
		return c.askRevoke(v, list, id)
	}
	content := pages.AccountApplications{Action: c.url("/applications")}
	for _, a := range list {
		row, err := v.applicationRow(a)
		if errors.Is(err, client.ErrNotFound) {
			continue // deleted a moment ago
		}
		if err != nil {
			return err
		}
		content.Applications = append(content.Applications, row)
	}
	return v.show(content)
}

func (c *Console) askRevoke(v *visit, list []*consent.Application, id string) error {
	row, err := v.application(list, id)
	if err != nil {
		return err
	}
	return v.show(pages.AccountRevoke{Action: c.url("/applications"), CancelURL: c.url("/applications"), ApplicationRow: row})
}

// revoke serves POST /account/applications: revoke is a client ID. The consents and grants of the
// user for it end.
func (c *Console) revoke(v *visit) error {
	ctx := v.r.Context()
	list, err := c.Consents.Applications(ctx, v.session.Subject, v.now)
	if err != nil {
		return err
	}
	row, err := v.application(list, v.r.PostForm.Get("revoke"))
	if err != nil {
		return err
	}
	if err := c.Consents.RevokeConsents(ctx, v.session.Subject, row.ID, v.now); err != nil {
		return err
	}
	return v.done("/applications", messages.New("account.revoked", "client", c.Texts.Label(v.r, row.Client)))
}

// application returns the row of a client in the list.
func (v *visit) application(list []*consent.Application, id string) (pages.ApplicationRow, error) {
	i := slices.IndexFunc(list, func(a *consent.Application) bool { return a.ClientID == id })
	if i < 0 {
		return pages.ApplicationRow{}, errNotFound
	}
	row, err := v.applicationRow(list[i])
	if errors.Is(err, client.ErrNotFound) {
		err = errNotFound
	}
	return row, err
}

func (v *visit) applicationRow(a *consent.Application) (pages.ApplicationRow, error) {
	ctx := v.r.Context()
	found, err := v.console.Clients.Client(ctx, a.ClientID)
	if err != nil {
		return pages.ApplicationRow{}, fmt.Errorf("read client: %w", err)
	}
	scopes, err := v.console.Texts.Scopes(ctx, a.Scopes)
	if err != nil {
		return pages.ApplicationRow{}, err
	}
	details, err := v.console.Texts.Details(ctx, a.Details)
	if err != nil {
		return pages.ApplicationRow{}, err
	}
	row := pages.ApplicationRow{
		ID: a.ClientID, Client: v.console.Texts.Client(found), Scopes: scopes, Details: details, Since: v.when(a.Since), OpenURL: found.InitiateLogin(v.console.Iss),
	}
	if !a.LastUsedAt.IsZero() {
		row.Used = v.when(a.LastUsedAt)
	}
	return row, nil
}

func (c *Console) applicationsCard(v *visit) (messages.Message, error) {
	list, err := c.Consents.Applications(v.r.Context(), v.session.Subject, v.now)
	return count("account.applications.card", len(list)), err
}
