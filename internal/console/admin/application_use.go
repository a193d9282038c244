package admin

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/refusal"
)

// usage is the use of a client as the API returns it.
type usage struct {
	LastUsedAt *time.Time `json:"last_used_at"`
	Refused    []struct {
		Rule        string    `json:"rule"`
		Count       int       `json:"count"`
		LastRequest string    `json:"last_request_id"`
		LastAt      time.Time `json:"last_at"`
	} `json:"refused"`
}

// clientSecret is a secret of a client as the API returns it.
type clientSecret struct {
	ID         string     `json:"secret_id"`
	CreatedAt  *time.Time `json:"created_at"`
	LastUsedAt *time.Time `json:"last_used_at"`
	ExpiresAt  *time.Time `json:"expires_at"`
}

// showWhole shows the page of an application, with its use, its secrets and its rejected requests.
func showWhole(v *visit, a *application) error {
	content := applicationPage(v, a)
	if err := addUse(v, a, &content); err != nil {
		return err
	}
	return v.show(content)
}

// addUse adds use, secrets and rejected requests of the application to its page.
func addUse(v *visit, a *application, content *pages.ConsoleDetail) error {
	path := map[string]string{"id": a.ID}
	var used usage
	if _, err := v.call(Call{Operation: "getOAuth2ClientUsage", Path: path}, &used); err != nil {
		return err
	}
	content.Use = &pages.ApplicationUse{URL: v.applicationURL(a.ID), Used: v.sometime(used.LastUsedAt)}
	if len(used.Refused) > 0 && v.holds(apikey.AuditRead) {
		var err error
		if content.Use.Refused, err = refusedUse(v, a, used.Refused[0].LastRequest); err != nil {
			return err
		}
	}
	errorsOfWeek := pages.Section{ID: "errors", Heading: messages.New("console.application.errors"), Empty: messages.New("console.refused.none")}
	for _, one := range used.Refused {
		last := v.when(one.LastAt)
		row := pages.ListRow{Class: "refused", Name: one.Rule, Facts: []pages.Fact{
			{Label: messages.New("console.application.errors.count", "n", one.Count), When: &last},
		}}
		if v.holds(apikey.AuditRead) {
			row.LinkURL, row.LinkText = v.explainURL(one.LastRequest), messages.New("console.why")
		}
		errorsOfWeek.Rows = append(errorsOfWeek.Rows, row)
	}
	profiles, err := profilesSection(v, a)
	if err != nil {
		return err
	}
	sections := []pages.Section{errorsOfWeek, profiles}
	if (&client.Metadata{TokenEndpointAuthMethod: a.AuthMethod}).UsesSecret() {
		secrets, err := secretsSection(v, a)
		if err != nil {
			return err
		}
		sections = append([]pages.Section{secrets}, sections...)
	}
	before := len(content.Sections)
	if i := slices.IndexFunc(content.Sections, func(s pages.Section) bool { return s.Danger }); i >= 0 {
		before = i
	}
	content.Sections = slices.Insert(content.Sections, before, sections...)
	return nil
}

// sometime returns a time for a page, nil for none.
func (v *visit) sometime(at *time.Time) *pages.When {
	if at == nil {
		return nil
	}
	when := v.when(*at)
	return &when
}

// refusedUse returns the latest rejected request of an application, nil if it is not stored any more.
func refusedUse(v *visit, a *application, requestID string) (*pages.RefusedUse, error) {
	found, err := v.console.Refusals.Refusal(v.r.Context(), requestID)
	if errors.Is(err, refusal.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	use := &pages.RefusedUse{Rule: string(found.Rule), WhyURL: v.explainURL(requestID), At: v.when(found.At)}
	if use.Allow = allowForm(v, found); use.Allow != nil {
		uri := use.Allow.Inputs[len(use.Allow.Inputs)-1].Value
		if slices.Contains(a.RedirectURIs, uri) {
			return nil, nil // it was allowed since
		}
		use.URI = uri
	}
	return use, nil
}

// secretsSection lists the secrets of an application with their ages.
func secretsSection(v *visit, a *application) (pages.Section, error) {
	var list []clientSecret
	if _, err := v.call(Call{Operation: "listOAuth2ClientSecrets", Path: map[string]string{"id": a.ID}}, &list); err != nil {
		return pages.Section{}, err
	}
	action := v.applicationURL(a.ID)
	section := pages.Section{ID: "secrets", Heading: messages.New("console.application.secrets"), Text: messages.New("console.application.secrets.hint"), Empty: messages.New("console.application.secrets.none")}
	for _, one := range list {
		row := pages.ListRow{Class: "secret", Name: one.ID}
		fact := func(label, none string, at *time.Time) {
			f := pages.Fact{Label: messages.New(label), When: v.sometime(at)}
			if at == nil && none != "" {
				f.Text = messages.New(none)
			}
			if at != nil || none != "" {
				row.Facts = append(row.Facts, f)
			}
		}
		fact("console.application.secret.created", "console.application.secret.unknown", one.CreatedAt)
		fact("console.application.secret.used", "console.applications.never", one.LastUsedAt)
		if one.ExpiresAt != nil {
			row.Facts = append(row.Facts, pages.Fact{Label: messages.New("console.application.secret.until"), Value: one.ExpiresAt.UTC().Format("2006-01-02 15:04 MST")})
		}
		if v.holds(apikey.ClientsWrite) && len(list) > 1 {
			row.Post, row.Button = action, &pages.Button{Name: "remove-secret", Value: one.ID, Text: messages.New("console.application.secret.remove"), About: one.ID}
		}
		section.Rows = append(section.Rows, row)
	}
	if v.holds(apikey.ClientsWrite) && len(list) < client.MaxSecrets {
		section.Forms = []pages.FormPart{{Action: action, Button: pages.Button{ID: "add-secret", Name: "change", Value: "secret", Text: messages.New("console.application.rotate")}}}
	}
	return section, nil
}

// removeSecret removes a secret of an application, after a question.
func removeSecret(v *visit, id, secret string) error {
	a, err := readApplication(v)
	if err != nil {
		return err
	}
	page := v.applicationURL(id)
	if !confirmed(v) {
		return v.show(confirmation(page, page, messages.New("console.application.secret.question", "secret", secret, "name", a.title()),
			messages.New("console.application.secret.remove.hint"), messages.New("console.application.secret.remove"),
			pages.Input{Name: "remove-secret", Value: secret}))
	}
	_, err = v.call(Call{Operation: "removeOAuth2ClientSecret", Path: map[string]string{"id": id, "secret_id": secret}}, nil)
	if err != nil {
		return refuseChange(v, err)
	}
	return v.done("/applications/"+url.PathEscape(id), messages.New("console.application.secret.removed"))
}

// refuseChange shows the page of the application with an error that the administrator can correct.
func refuseChange(v *visit, err error) error {
	faults, ok := rejected(err)
	if !ok {
		return err
	}
	a, err := readApplication(v)
	if err != nil {
		return err
	}
	content := applicationPage(v, a)
	content.Form = faults
	if err := addUse(v, a, &content); err != nil {
		return err
	}
	return v.refuse(http.StatusConflict, content)
}
