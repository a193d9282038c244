package main

import (
	"encoding/json"
	"net/http"
	"testing"
)

// A program with requests:write can sign in anybody to anything: who was signed in, by which
// key and from where, is in the audit log.
func TestASignInThatAnAppAnswersIsAudited(t *testing.T) {
	eachApart(t, func(t *testing.T, s *apart) {
		t.Helper()
		begin := func() string { return s.login(s.browser().get("/oauth2/auth?" + asking().Encode())) }
		s.put("login/accept", begin(), object{"subject": "jo"})
		s.put("login/reject", begin(), object{"error": "access_denied"})
		refused := begin()
		s.put("login/accept", refused, object{"subject": ""})

		var events []object
		p := s.ask(http.MethodGet, "/audit", "")
		if err := json.Unmarshal([]byte(p.body), &events); err != nil {
			t.Fatalf("audit: %d %s: %v", p.status, p.body, err)
		}
		got := map[string]string{}
		for _, event := range events {
			if actor, _ := event["actor"].(object); actor["kind"] != "none" || text(event["address"]) == "" {
				t.Errorf("an event says neither who nor where from: %v", event)
			}
			got[text(event["action"])+" "+text(event["outcome"])] = text(event["target"])
		}
		if got["login.accept done"] != "jo" || got["login.reject done"] == "" || got["login.accept refused"] != "login_challenge="+refused {
			t.Errorf("the audit log has %v", got)
		}
	})
}
