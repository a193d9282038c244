package account

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/activity"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/session"
)

// topics are the kinds of events that users can select, by the value of the parameter topic.
func topics() []topic {
	return []topic{
		{"", messages.New("account.activity.everything"), nil},
		{"sign-ins", messages.New("account.activity.sign-ins"), []activity.Kind{activity.SignedIn, activity.SignInFailed, activity.RecoveryCodeUsed}},
		{"changes", messages.New("account.activity.changes"), []activity.Kind{
			activity.PasswordChanged, activity.CredentialAdded, activity.CredentialRemoved, activity.AddressAdded, activity.AddressVerified,
			activity.AddressRemoved, activity.PrimaryChanged, activity.DataRequested, activity.DeletionRequested, activity.DeletionUndone,
			activity.Disowned, activity.Locked, activity.Unlocked, activity.ProfileChanged, activity.PasswordBreached, activity.TermsAccepted,
		}},
		{"applications", messages.New("account.applications"), []activity.Kind{activity.ConsentGiven, activity.ConsentWithdrawn}},
	}
}

type topic struct {
	name  string
	text  messages.Message
	kinds []activity.Kind // nil for all
}

// activity serves GET /account/activity: topic selects events, and before is the ID of the last
// event of the previous page.
func (c *Console) activity(v *visit) error {
	before, shown := v.r.Form.Get("before"), topics()[0]
	content := pages.AccountActivity{Action: c.url("/activity")}
	for _, one := range topics() {
		selected := one.name == v.r.Form.Get("topic")
		if selected {
			shown = one
		}
		content.Topics = append(content.Topics, pages.Topic{Name: one.name, Text: one.text, Selected: selected})
	}
	content.Selected = shown.name != ""
	list, err := c.Activity.ListActivity(v.r.Context(), v.session.Subject, before, rows+1, shown.kinds...)
	if err != nil {
		return err
	}
	address := content.Action + "?topic=" + shown.name
	if before != "" {
		content.NewestURL = address
	}
	if len(list) > rows {
		list = list[:rows]
		content.OlderURL = address + "&before=" + url.QueryEscape(list[rows-1].ID)
	}
	for _, e := range list {
		text, err := v.eventText(e)
		if err != nil {
			return err
		}
		content.Events = append(content.Events, pages.EventRow{
			ID: e.ID, Text: text, At: v.when(e.LastAt), Alarming: c.mayDisown(v, e.Kind), Known: e.Browser != "" || e.System != "",
			Origin: session.Origin{Browser: e.Browser, System: e.System, Network: strings.TrimSuffix(e.Network, "/32")},
		})
	}
	return v.show(content)
}

// mayDisown reports whether the user can react to a kind of events that another person may have
// caused.
func (c *Console) mayDisown(v *visit, k activity.Kind) bool {
	harmless := []activity.Kind{
		activity.ConsentWithdrawn, activity.Locked, activity.Unlocked, activity.Disowned, activity.PasswordBreached, activity.TermsAccepted,
	}
	return !slices.Contains(harmless, k) && !c.LoginApp && !v.account.IsExternal()
}

// disown serves POST /account/activity: not_me is the ID of an event. It leads to the page that
// ends all sessions, after a confirmation.
func (c *Console) disown(v *visit) error {
	if v.r.PostForm.Get("not_me") == "" || !c.mayDisown(v, activity.SignedIn) {
		return errNotFound
	}
	next, err := c.OfferNotMe(v.w, v.r, v.account)
	if err == nil {
		httpapi.SeeOther(v.w, next)
	}
	return err
}

// eventText returns an event in words.
func (v *visit) eventText(e *activity.Event) (messages.Message, error) {
	detail := e.Detail
	if e.Kind == activity.ConsentGiven || e.Kind == activity.ConsentWithdrawn {
		var err error
		if detail, err = v.clientName(e.Detail); err != nil {
			return messages.Message{}, err
		}
	}
	return pages.EventText(e.Kind, detail, e.Count), nil
}

// clientName returns the name of a client, or its ID if it was deleted.
func (v *visit) clientName(id string) (string, error) {
	found, err := v.console.Clients.Client(v.r.Context(), id)
	if errors.Is(err, client.ErrNotFound) || id == "" {
		return id, nil
	}
	if err != nil {
		return "", err
	}
	return v.console.Texts.Label(v.r, v.console.Texts.Client(found)), nil
}
