package admin

import (
	"errors"
	"net/url"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// delivery is a message to a user, or a notice to an application, as the API returns it. It has no text.
type delivery struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind"`
	To        string    `json:"to"`
	ClientID  string    `json:"client_id"`
	Attempts  int       `json:"attempts"`
	Error     string    `json:"last_error"`
	CreatedAt time.Time `json:"created_at"`
}

// deliveryList is a list of the page: the operations that read and retry it, and its messages.
type deliveryList struct {
	id, state, list, retry, retryAll string // the last three are operations
	write                            string // the scope to retry
	heading, empty                   messages.Message
}

// deliveryLists returns the lists of the page, failed ones first.
func deliveryLists() []deliveryList {
	return []deliveryList{
		{"mails-failed", string(mail.Failed), "listMails", "retryMail", "retryMails", apikey.UsersWrite, messages.New("console.mail.failed"), messages.New("console.mail.failed.none")},
		{"notices-failed", string(outbox.Failed), "listNotices", "retryNotice", "retryNotices", apikey.SessionsWrite, messages.New("console.mail.notices-failed"), messages.New("console.mail.notices-failed.none")},
		{"mails-waiting", string(mail.Pending), "listMails", "retryMail", "", apikey.UsersWrite, messages.New("console.mail.waiting"), messages.New("console.mail.waiting.none")},
		{"notices-waiting", string(outbox.Pending), "listNotices", "retryNotice", "", apikey.SessionsWrite, messages.New("console.mail.notices-waiting"), messages.New("console.mail.notices-waiting.none")},
	}
}

// deliveries serves GET /console/mail: list is the ID of one list, whose next page page is.
func deliveries(v *visit) error {
	c, form := v.console, v.r.Form
	content := pages.ConsoleDeliveries{Action: c.Root + "/mail", HasMail: c.HasMail}
	for _, l := range deliveryLists() {
		if only := form.Get("list"); only != "" && only != l.id {
			continue
		}
		query := url.Values{"state": {l.state}, "page_size": {"25"}}
		if token := form.Get("page"); token != "" && form.Get("list") == l.id {
			query.Set("page_token", token)
		}
		var list []delivery
		next, err := v.call(Call{Operation: l.list, Query: query}, &list)
		if err != nil {
			return err
		}
		shown := pages.DeliveryList{ID: l.id, Heading: l.heading, Empty: l.empty, MayRetry: v.holds(l.write), RetryAll: l.retryAll != "" && len(list) > 1}
		for _, d := range list {
			shown.Rows = append(shown.Rows, pages.DeliveryRow{
				ID: d.ID, Kind: d.Kind, To: d.To + d.ClientID, Error: d.Error, Attempts: d.Attempts, Created: v.when(d.CreatedAt),
			})
		}
		if next != "" {
			shown.MoreURL = withQuery(content.Action, url.Values{"list": {l.id}, "page": {next}})
		}
		content.Lists = append(content.Lists, shown)
		if form.Get("list") != "" {
			content.AllURL = content.Action
		}
	}
	return v.show(content)
}

// retryDeliveries serves POST /console/mail: list is the ID of a list, and retry the ID of one of its messages, or
// all.
func retryDeliveries(v *visit) error {
	form := v.r.PostForm
	for _, l := range deliveryLists() {
		if l.id != form.Get("list") {
			continue
		}
		id := form.Get("retry")
		if id == "all" && l.retryAll != "" {
			var result struct {
				Retried int `json:"retried"`
			}
			if _, err := v.call(Call{Operation: l.retryAll}, &result); err != nil {
				return err
			}
			return v.done("/mail", messages.New("console.mail.retried", "n", result.Retried))
		}
		_, err := v.call(Call{Operation: l.retry, Path: map[string]string{"id": id}}, nil)
		if errors.Is(err, errNotFound) {
			return v.done("/mail", messages.New("console.mail.not-waiting"))
		}
		if err != nil {
			return err
		}
		return v.done("/mail", messages.New("console.mail.retried", "n", 1))
	}
	return errNotFound
}
