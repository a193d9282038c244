package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// failMail adds a message with data, and makes it fail.
func failMail(t *testing.T, s *servertest.Server, to, fault string) {
	t.Helper()
	ctx, m := t.Context(), mail.New(mail.NewDevice, to, s.Time())
	m.Data = map[string]string{"detail": "of the text"}
	servertest.Must(t, s.Store.Mails.EnqueueMail(ctx, m))
	m, err := s.Store.Mails.ClaimMail(ctx, s.Time(), s.Time().Add(time.Minute))
	servertest.Must(t, err)
	m.LastError = fault
	servertest.Must(t, s.Store.Mails.EndMail(ctx, m, mail.Failed, s.Time()))
}

// The page of messages lists failed ones without their text, page by page, and an administrator sends them again.
func TestConsoleRetriesMails(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s, b := openConsole(t, db, account.Support)
		p := b.Get("/console/mail")
		if p.Status != http.StatusOK || !hasElement(p, "mails-failed") || hasElement(p, "mails-failed-all") || strings.Count(p.Body, `class="empty"`) != 5 {
			t.Errorf("without messages: %d\n%s", p.Status, p.Body)
		}
		for range 26 {
			failMail(t, s, "ada@example.com", "550 no such <b>user</b>")
			s.Advance(time.Second)
		}
		failMail(t, s, "last@example.com", "")
		p = b.Get("/console/mail")
		if strings.Count(p.Body, `class="delivery"`) != 25 || !strings.Contains(p.Body, "550 no such &lt;b&gt;user") || strings.Contains(p.Body, "of the text") {
			t.Errorf("the page: %d\n%s", p.Status, p.Body)
		}
		if latest, other := strings.Index(p.Body, "last@example.com"), strings.Index(p.Body, "ada@example.com"); latest < 0 || latest > other {
			t.Errorf("the latest failure is at %d, others at %d", latest, other)
		}
		more := p.Attribute("href", func(a map[string]string) bool { return a["id"] == "mails-failed-more" })
		if next := b.Get(strings.TrimPrefix(more, s.URL)); strings.Count(next.Body, `class="delivery"`) != 2 || hasElement(next, "notices-failed") {
			t.Errorf("the next page: %d\n%s", next.Status, next.Body)
		}
		first := p.Attribute("value", func(a map[string]string) bool { return a["name"] == "retry" && a["value"] != "all" })
		for _, form := range []url.Values{
			{"list": {"mails-failed"}, "retry": {first}}, {"list": {"mails-failed"}, "retry": {first}}, {"list": {"mails-failed"}, "retry": {"all"}},
		} {
			s.Advance(time.Second)
			if p = b.Post("/console/mail", form); p.Location().Path != "/console/mail" {
				t.Errorf("%v: %d", form, p.Status)
			}
		}
		if p = b.Get("/console/mail"); !strings.Contains(p.Body, "26 messages are sent again now.") {
			t.Errorf("after all were retried:\n%s", p.Body)
		}
		for _, form := range []url.Values{{"list": {"other"}, "retry": {"all"}}, {"retry": {first}}} {
			if p = b.Post("/console/mail", form); p.Status != http.StatusNotFound {
				t.Errorf("%v: %d", form, p.Status)
			}
		}
		n, err := db.Mails.CountMails(t.Context(), mail.Pending, 100)
		events, failed := db.Audit.ListEvents(t.Context(), audit.Filter{Action: "mail.retry"}, "", 10)
		if err != nil || failed != nil || n != 27 || len(events) != 3 || events[1].Status != http.StatusNotFound || events[2].Target != first {
			t.Errorf("%d messages are pending, %v; the events are %+v, %v", n, err, events, failed)
		}
		setAdminRole(s, account.Auditor)
		if p = b.Get("/console/mail"); strings.Contains(p.Body, `name="retry"`) || strings.Count(p.Body, `class="delivery"`) != 25 {
			t.Errorf("the page of an auditor:\n%s", p.Body)
		}
	})
}
