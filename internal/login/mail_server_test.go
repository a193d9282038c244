package login_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/dev/mailcatcher"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// mailServer is a server that sends its mail to a mail server of the test.
type mailServer struct {
	*servertest.MailServer

	catcher *mailcatcher.Catcher
	log     *servertest.LogBuffer
}

// eachMailServer runs a test at a server of each engine.
func eachMailServer(t *testing.T, settings map[string]string, test func(t *testing.T, s *mailServer)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) { test(t, startMailServer(t, db, settings)) })
}

func startMailServer(t *testing.T, db *store.Store, settings map[string]string) *mailServer {
	t.Helper()
	s := servertest.StartWithMail(t, db, settings)
	return &mailServer{s, s.Catcher, s.Log}
}

// mails waits until the outbox is empty, and returns all messages, the latest first.
func (s *mailServer) mails() []mailcatcher.Message {
	s.TB.Helper()
	return s.Mails()
}

// rows returns the messages of the outbox in a state.
func (s *mailServer) rows(state mail.State) []*mail.Message {
	s.TB.Helper()
	s.mails()
	list, err := s.Store.Mails.ListMails(s.TB.Context(), store.MailFilter{State: state}, "", 1000)
	if err != nil {
		s.TB.Fatal(err)
	}
	return list
}

var linkIn = regexp.MustCompile(`https?://\S+/(?:recover|verify|invitation)\?token=[\w-]{43}`) // not those of notices

// link returns the link of the latest message to an address.
func (s *mailServer) link(to string) string {
	s.TB.Helper()
	for _, m := range s.mails() {
		if m.EnvelopeTo[0] == to && linkIn.MatchString(m.Text) {
			return linkIn.FindString(m.Text)
		}
	}
	s.TB.Fatalf("no link was sent to %s: %+v", to, s.catcher.Messages())
	return ""
}

// open opens a link as a mail program does, and returns the page after the redirect.
func open(b *servertest.Browser, link string) servertest.Response {
	b.Server.TB.Helper()
	p := b.Get(link)
	page, _, _ := strings.Cut(link, "?")
	if got := p.Header.Get("Location"); p.Status != 303 || got != page || p.Header.Get("Referrer-Policy") != "no-referrer" {
		b.Server.TB.Fatalf("%s: status %d to %q with %q, want a redirect to %s without the token, and no referrer",
			link, p.Status, got, p.Header.Get("Referrer-Policy"), page)
	}
	return b.Get(p.Header.Get("Location"))
}

// element returns the element with the ID in a page, "" if there is none.
func element(p servertest.Response, id string) string {
	return p.Attribute("id", func(a map[string]string) bool { return a["id"] == id })
}

// submitForm submits the form of a page with the fields.
func submitForm(b *servertest.Browser, p servertest.Response, fields ...string) servertest.Response {
	b.Server.TB.Helper()
	if p.FormAction() == "" {
		b.Server.TB.Fatalf("no form: %d\n%s", p.Status, p.Body)
	}
	values := url.Values{}
	if id := p.HiddenField("request"); id != "" {
		values.Set("request", id)
	}
	if proof := servertest.SolveProof(p); proof != "" {
		values.Set("proof", proof)
	}
	for i := 0; i < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	return b.Post(p.FormAction(), values)
}
