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

// Every replica is killed between a sign-out and the delivery of its logout token: once
// while the client's endpoint hangs and a replica has claimed the notice, and once before
// any replica could send it. The notices must be delivered after the restart.
func TestLogoutNotificationsSurviveAKill(t *testing.T) {
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			received, killed := make(chan string, 100), make(chan struct{})
			receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if r.ParseForm() == nil {
					received <- r.PostForm.Get("logout_token")
				}
				select {
				case <-killed: // the endpoint hangs until the replicas are killed
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
			await(t, received, "the logout token before the kill")
			runWorkers([]int{0, 1}, func(_, i int) { c.Kill(i) })
			close(killed) // from here on the endpoint responds
			runWorkers([]int{0, 1}, func(_, i int) { c.Restart(i) })
			await(t, received, "the logout token that a killed replica had claimed")
			delivered(t, c, 1)

			// While no replica runs, a command revokes a session.
			authorized(t, c, &client, user)
			runWorkers([]int{0, 1}, func(_, i int) { c.Kill(i) })
			rig.Command(t, c, "sessions", "revoke", "--user", user.Username)
			runWorkers([]int{0, 1}, func(_, i int) { c.Restart(i) })
			await(t, received, "the logout token of the command")
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

// signOut signs in to the client and signs out on the server's page.
func signOut(t *testing.T, c *rig.Cluster, client *rig.Client, user rig.User) {
	t.Helper()
	p := authorized(t, c, client, user)
	address := c.Issuer + "/oauth2/sessions/logout"
	confirmation := p.Open(t.Context(), address, nil)
	ticket := regexp.MustCompile(`name="ticket" value="([^"]+)"`).FindStringSubmatch(confirmation.Body)
	if ticket == nil {
		t.Fatalf("sign-out: %v", confirmation)
	}
	done := p.Open(t.Context(), address, url.Values{"ticket": {ticket[1]}})
	if done.Status != http.StatusOK || !strings.Contains(done.Body, "signed out") {
		t.Fatalf("sign-out: %v", done)
	}
}

func await(t *testing.T, received <-chan string, name string) {
	t.Helper()
	select {
	case token := <-received:
		if strings.Count(token, ".") != 2 {
			t.Errorf("%s is %q, want a token", name, token)
		}
	case <-time.After(time.Minute):
		t.Fatalf("%s was not received", name)
	}
}

// delivered waits until the number of delivered notices is want, with no others.
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
