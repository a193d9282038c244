//go:build fault

package fault

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/test/rig"
)

// Every replica is killed between a sign-out and its being heard: once while the
// client's end hangs, with the notice in a replica's hands, and once before anybody
// could have sent it anywhere. What the person was told is true all the same.
func TestLogoutNotificationsSurviveAKill(t *testing.T) {
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			heard, dead := make(chan string, 100), make(chan struct{})
			receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if r.ParseForm() == nil {
					heard <- r.PostForm.Get("logout_token")
				}
				select {
				case <-dead: // whoever waits longer for an answer than that is alive
				case <-r.Context().Done():
				}
			}))
			t.Cleanup(receiver.Close)

			client := rig.StandardClients().Trusted
			client.Metadata = map[string]any{"backchannel_logout_uri": receiver.URL + "/out", "skip_consent": true}
			c := rig.Serve(t, rig.Options{
				Database: rig.Database(t, engine), Replicas: 2, Env: map[string]string{"OUTBOUND_ALLOW_PRIVATE": "true"},
			})
			user := rig.User{Username: "ada", Password: "correct horse battery staple"}
			rig.ImportClients(t, c, client)
			rig.ImportUsers(t, c, user)

			signOut(t, c, &client, user)
			await(t, heard, "the notice, before the kill")
			runWorkers([]int{0, 1}, func(_, i int) { c.Kill(i) })
			close(dead) // from now on the client answers
			runWorkers([]int{0, 1}, func(_, i int) { c.Restart(i) })
			await(t, heard, "the notice that a dead replica had taken up")
			delivered(t, c, 1)

			// With the replicas gone, a command ends a session.
			authorized(t, c, &client, user)
			runWorkers([]int{0, 1}, func(_, i int) { c.Kill(i) })
			rig.Command(t, c, "sessions", "revoke", "--user", user.Username)
			runWorkers([]int{0, 1}, func(_, i int) { c.Restart(i) })
			await(t, heard, "the notice that no replica knew of")
			delivered(t, c, 2)
		})
	}
}

func authorized(t *testing.T, c *rig.Cluster, client *rig.Client, user rig.User) *rig.Browser {
	t.Helper()
	p := rig.NewBrowser(c.Endpoint, user)
	if a, err := p.Authorize(t.Context(), client, nil); err != nil || a.Code == "" {
		t.Fatalf("authorize: %+v, %v", a, err)
	}
	return p
}

// signOut lets a person use the client and sign out on our own page.
func signOut(t *testing.T, c *rig.Cluster, client *rig.Client, user rig.User) {
	t.Helper()
	p := authorized(t, c, client, user)
	address := c.Issuer + "/oauth2/sessions/logout"
	asked := p.Open(t.Context(), address, nil)
	ticket := regexp.MustCompile(`name="ticket" value="([^"]+)"`).FindStringSubmatch(asked.Body)
	if ticket == nil {
		t.Fatalf("sign-out: %v", asked)
	}
	done := p.Open(t.Context(), address, url.Values{"ticket": {ticket[1]}})
	if done.Status != http.StatusOK || !strings.Contains(done.Body, "signed out") {
		t.Fatalf("sign-out: %v", done)
	}
}

func await(t *testing.T, heard <-chan string, what string) {
	t.Helper()
	select {
	case token := <-heard:
		if strings.Count(token, ".") != 2 {
			t.Errorf("%s is %q, want a token", what, token)
		}
	case <-time.After(time.Minute):
		t.Fatalf("%s did not come", what)
	}
}

// delivered waits until so many notices count as delivered, and none as anything
// else.
func delivered(t *testing.T, c *rig.Cluster, want int) {
	t.Helper()
	list := ""
	for range 100 {
		list = rig.Command(t, c, "notices", "list")
		if strings.Count(list, "delivered") == want && strings.Count(list, "\n") == want+1 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("the notices are\n%swant %d, delivered", list, want)
}
