package login_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
)

// A program with requests:write can sign in any user at any client: the audit log has the
// user, the key and the address.
func TestAppSignInIsAudited(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		begin := func() string {
			return s.LoginChallenge(s.NewBrowser().Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode()))
		}
		s.AnswerChallenge("login/accept", begin(), servertest.Object{"subject": "jo"})
		s.AnswerChallenge("login/reject", begin(), servertest.Object{"error": "access_denied"})
		refused := begin()
		s.AnswerChallenge("login/accept", refused, servertest.Object{"subject": ""})

		var events []servertest.Object
		p := s.CallAdmin(http.MethodGet, "/audit", "")
		if err := json.Unmarshal([]byte(p.Body), &events); err != nil {
			t.Fatalf("audit: %d %s: %v", p.Status, p.Body, err)
		}
		got := map[string]string{}
		for _, event := range events {
			if actor, _ := event["actor"].(servertest.Object); actor["kind"] != "none" || servertest.Text(event["address"]) == "" {
				t.Errorf("an event says neither who nor where from: %v", event)
			}
			got[servertest.Text(event["action"])+" "+servertest.Text(event["outcome"])] = servertest.Text(event["target"])
		}
		if got["login.accept done"] != "jo" || got["login.reject done"] == "" || got["login.accept refused"] != "login_challenge="+refused {
			t.Errorf("the audit log has %v", got)
		}
	})
}
