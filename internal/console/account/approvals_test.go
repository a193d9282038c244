package account_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
)

var approvalLink = regexp.MustCompile(`https?://\S+/account/approvals/request\?request=([0-9a-f]{32})`)

// The server notifies the user by mail and in the menu; the user sees the request, and decides once.
//
// Spec: CIBA Core §8.
func TestApproveBackchannelRequests(t *testing.T) {
	eachWithMail(t, func(t *testing.T, s *servertest.MailServer) {
		t.Helper()
		servertest.AddBackchannelClients(s.Server)
		b := s.NewBrowser()
		servertest.Lacks(t, open(b, "/account").Body, `class="badge"`)
		servertest.Contains(t, open(b, "/account/approvals").Body, "No application waits for your approval.")

		begin := func(changes ...string) (authReqID, path string) {
			authReqID = servertest.BeginBackchannel(s.Server, servertest.BackchannelForm(changes...))
			mails := s.MailsTo("ada@example.com")
			if len(mails) == 0 {
				t.Fatal("the user was not told")
			}
			servertest.Contains(t, mails[0], "First Bank asks for your approval", "2 minutes")
			link := approvalLink.FindString(mails[0])
			if !strings.HasPrefix(link, s.URL) {
				t.Fatalf("no link in %q", mails[0])
			}
			return authReqID, strings.TrimPrefix(link, s.URL)
		}
		id, path := begin("scope", "openid email", "acr_values", "1")
		servertest.Contains(t, open(b, "/account").Body, `<span class="badge">1</span>`)
		servertest.Contains(t, open(b, "/account/approvals").Body, "First Bank", "1234", path)
		page := open(b, path)
		servertest.Contains(t, page.Body, "Approve <bdi>First Bank</bdi>?", "Compare this number", "1234", "email address", "127.0.0.1", "2 minutes")
		servertest.WantError(t, servertest.PollBackchannel(s.Server, id), 400, "authorization_pending") // opening it decides nothing

		request := servertest.ParseURL(t, path).Query().Get("request")
		done := submit(b, "/account/approvals/request", "request", request, "decision", "allow")
		servertest.Contains(t, done.Body, "You approved the request of First Bank.")
		claims := servertest.Claims(t, servertest.PollBackchannel(s.Server, id).JSON(t)["id_token"])
		servertest.WantMembers(t, claims, servertest.Object{"acr": "1", "amr": []any{"pwd"}, "sid": nil})
		servertest.Contains(t, submit(b, "/account/approvals/request", "request", request, "decision", "deny").Body, "already decided")

		id, path = begin()
		request = servertest.ParseURL(t, path).Query().Get("request")
		if p := b.Post("/account/approvals/request", form("request", request, "decision", "perhaps")); p.Status != http.StatusNotFound {
			t.Errorf("another decision: %d", p.Status)
		}
		servertest.Contains(t, submit(b, "/account/approvals/request", "request", request, "decision", "deny").Body, "You denied the request of First Bank.")
		servertest.WantError(t, servertest.PollBackchannel(s.Server, id), 400, "access_denied")

		id, path = begin()
		request = servertest.ParseURL(t, path).Query().Get("request")
		blocked := submit(b, "/account/approvals/request", "request", request, "decision", "block")
		servertest.Contains(t, blocked.Body, "First Bank is blocked.", "Blocked applications")
		servertest.WantError(t, servertest.PollBackchannel(s.Server, id), 400, "access_denied")
		sent := len(s.MailsTo("ada@example.com"))
		servertest.WantError(t, servertest.PollBackchannel(s.Server, servertest.BeginBackchannel(s.Server, servertest.BackchannelForm())), 400, "access_denied")
		if got := len(s.MailsTo("ada@example.com")); got != sent {
			t.Errorf("a blocked client sent %d messages", got-sent)
		}
		servertest.Contains(t, submit(b, "/account/approvals", "unblock", "bank").Body, "can ask for your approval again")
		begin()

		// A message about a request of nobody is not sent.
		before := len(s.Mails())
		servertest.BeginBackchannel(s.Server, servertest.BackchannelForm("login_hint", "nobody@example.com"))
		if got := len(s.Mails()); got != before {
			t.Errorf("%d messages were sent for an unknown user", got-before)
		}
	})
}

// A decision needs a fresh authentication of the user that the request is for.
func TestApprovalsNeedTheirUser(t *testing.T) {
	eachWithMail(t, func(t *testing.T, s *servertest.MailServer) {
		t.Helper()
		servertest.AddBackchannelClients(s.Server)
		b := s.NewBrowser()
		open(b, "/account")
		id := servertest.BeginBackchannel(s.Server, servertest.BackchannelForm("login_hint", "bob", "requested_expiry", "600"))
		list, err := s.Store.Backchannel.ListBackchannel(t.Context(), "", nil, 10, s.Time())
		servertest.Must(t, err)
		ofBob := list[0].ID()
		for _, request := range []string{ofBob, strings.Repeat("0", 32), "", "x"} {
			servertest.Contains(t, b.Follow(b.Get("/account/approvals/request?request="+url.QueryEscape(request))).Body, "expired or was already decided")
			servertest.Contains(t, submit(b, "/account/approvals/request", "request", request, "decision", "allow").Body, "expired or was already decided")
		}
		servertest.Lacks(t, open(b, "/account/approvals").Body, ofBob)
		servertest.WantError(t, servertest.PollBackchannel(s.Server, id), 400, "authorization_pending")

		mine := servertest.BeginBackchannel(s.Server, servertest.BackchannelForm("requested_expiry", "600"))
		list, err = s.Store.Backchannel.ListBackchannel(t.Context(), servertest.SubjectOf(t, s.Server, "ada"), nil, 10, s.Time())
		servertest.Must(t, err)
		ofAda := list[0].ID()
		s.Advance(7 * time.Minute) // the sign-in is not recent
		if p := b.Post("/account/approvals/request", form("request", ofAda, "decision", "allow")); p.Status != http.StatusSeeOther || !strings.HasPrefix(p.Location().Path, "/login") {
			t.Errorf("a decision after 7 minutes: %d to %s", p.Status, p.Location())
		}
		servertest.WantError(t, servertest.PollBackchannel(s.Server, mine), 400, "authorization_pending")
		if p := s.NewBrowser().Get("/account/approvals/request?request=" + ofAda); p.Status != http.StatusSeeOther {
			t.Errorf("without a session: %d", p.Status)
		}
	})
}
