//go:build e2e

package clients

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/test/rig"
)

var openApproval = regexp.MustCompile(`/account/approvals/request\?request=([0-9a-f]{32})`)

// TestCIBA asks a user by openid-client, who approves in the account console. The application polls, or is
// notified.
func TestCIBA(t *testing.T) {
	t.Parallel()
	dir := installNode(t, "ciba.mjs")
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			f := &fixture{
				Cluster: rig.Serve(t, rig.Options{Database: rig.Database(t, engine), Env: map[string]string{"OUTBOUND_ALLOW_PRIVATE": "on"}}),
				user:    rig.User{Username: "ada", Password: "correct horse battery", Claims: map[string]any{"email": "ada@example.com", "email_verified": true}},
			}
			rig.ImportUsers(t, f.Cluster, f.user)
			for _, delivery := range []string{"poll", "ping"} {
				askByCIBA(t, f, dir, delivery)
			}
		})
	}
}

func askByCIBA(t *testing.T, f *fixture, dir, delivery string) {
	t.Helper()
	const secret, token = "a-secret-of-enough-characters-for-a-test", "azAZ09-._~+/token=="
	notified := make(chan string, 1)
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			AuthReqID string `json:"auth_req_id"`
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.Header.Get("Authorization") != "Bearer "+token {
			t.Errorf("notification: %v, %q", err, r.Header.Get("Authorization"))
		}
		notified <- body.AuthReqID
		w.WriteHeader(http.StatusNoContent)
	}))
	defer endpoint.Close()
	metadata := map[string]any{
		"grant_types": []string{"urn:openid:params:grant-type:ciba"}, "response_types": []string{}, "backchannel_token_delivery_mode": delivery,
	}
	if delivery == "ping" {
		metadata["backchannel_client_notification_endpoint"] = endpoint.URL
	}
	rig.ImportClients(t, f.Cluster, rig.Client{ID: "till-" + delivery, Secret: secret, Method: "client_secret_basic", Scope: "openid email", Metadata: metadata})
	var view struct {
		ExpiresIn int    `json:"expires_in"`
		Interval  int    `json:"interval"`
		Notified  bool   `json:"notified"`
		TokenType string `json:"token_type"`
		IDToken   claims `json:"id_token"`
		Userinfo  claims `json:"userinfo"`
		Again     string `json:"again"`
	}
	env := []string{"ISSUER=" + f.Issuer, "CLIENT_ID=till-" + delivery, "CLIENT_SECRET=" + secret, "DELIVERY=" + delivery, "NOTIFICATION_TOKEN=" + token}
	err := converse(t, []string{"node", dir + "/ciba.mjs"}, env, &view, func(address string) (string, error) {
		user := rig.NewBrowser(f.Endpoint, f.user)
		if _, _, err := user.Browse(t.Context(), address); err != nil { // signs in
			return "", err
		}
		page := user.Open(t.Context(), address, nil)
		found := openApproval.FindStringSubmatch(page.Body)
		if found == nil || !strings.Contains(page.Body, "4711") {
			return "", fmt.Errorf("no request: %d %s", page.Status, page.Body)
		}
		decided := user.Open(t.Context(), f.Issuer+"/account/approvals/request", url.Values{"request": {found[1]}, "decision": {"allow"}})
		if decided.Err != nil {
			return "", fmt.Errorf("the decision: %w", decided.Err)
		}
		if location := decided.Header.Get("Location"); location != f.Issuer+"/account/approvals" {
			return "", fmt.Errorf("the decision: %d to %q", decided.Status, location)
		}
		if delivery != "ping" {
			return "", nil
		}
		select {
		case id := <-notified:
			return id, nil
		case <-time.After(programTimeout):
			return "", errors.New("no notification came")
		}
	})
	if err != nil {
		t.Fatalf("%s: %v", delivery, err)
	}
	subject, _ := view.IDToken["sub"].(string)
	if subject == "" {
		t.Errorf("%s: the ID token has no subject: %v", delivery, view.IDToken)
	}
	wantEqual(t, "expires_in", view.ExpiresIn, 20)
	wantEqual(t, "interval", view.Interval, 5)
	wantEqual(t, "notified", view.Notified, delivery == "ping")
	wantEqual(t, "userinfo", view.Userinfo["sub"], any(subject))
	wantEqual(t, "email", view.Userinfo["email"], any("ada@example.com"))
	wantEqual(t, "error of a second token request", view.Again, "invalid_grant")
}
