package server_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/test/rig"
)

// A change that one replica acknowledged applies to the next request at the other one, which has
// the old values in its caches.
func TestChangesTakeEffectAtOtherReplica(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		t.Helper()
		settings := map[string]string{"admin_auth": "token"}
		one, other := servertest.StartWithApps(t, storetest.Open(t, url), settings), servertest.StartWithApps(t, storetest.Open(t, url), settings)
		other.Advance(time.Minute) // later than the creation times of the clients
		ada, err := one.Store.Accounts.AccountByUsername(t.Context(), "ada")
		servertest.Must(t, err)
		credentials := func() servertest.Response { return other.PostForm("/oauth2/token", clientCredentials()) }
		asserter := servertest.NewAssertionIssuer(one.Server, "")
		asserter.Server = other.Server
		assertion := func() servertest.Response { return other.PostForm("/oauth2/token", asserter.TokenRequest(ada.Subject)) }
		key, secret := apikey.New("reader", []string{apikey.ClientsRead}, other.Time(), time.Time{})
		servertest.Must(t, one.Store.APIKeys.InsertAPIKey(t.Context(), key))
		operators := func() servertest.Response { return other.CallAdminWithKey(secret, http.MethodGet, "/clients", "") }
		edit := func(change func(*client.Client)) func() error {
			return func() error {
				c, err := one.Store.Clients.Client(t.Context(), "web")
				if err != nil {
					return err
				}
				change(c)
				return one.Store.Clients.UpdateClient(t.Context(), c)
			}
		}
		web, err := one.Store.Clients.Client(t.Context(), "web")
		servertest.Must(t, err)

		for _, step := range []struct {
			name   string
			ask    func() servertest.Response
			before int
			change func() error
			after  int
		}{
			{"a secret is rotated", credentials, http.StatusOK, edit(func(c *client.Client) { c.Secret = "other" }), http.StatusUnauthorized},
			{"it is put back", credentials, http.StatusUnauthorized, edit(func(c *client.Client) { c.Secret = web.Secret }), http.StatusOK},
			{"a client is disabled", credentials, http.StatusOK, edit(func(c *client.Client) { c.Disabled = true }), http.StatusUnauthorized},
			{"it is enabled", credentials, http.StatusUnauthorized, edit(func(c *client.Client) { c.Disabled = false }), http.StatusOK},
			{"a client is deleted", credentials, http.StatusOK, func() error { return one.Store.Clients.DeleteClient(t.Context(), "web") }, http.StatusUnauthorized},
			{"a trusted issuer is deleted", assertion, http.StatusOK, func() error { return one.Store.TrustedIssuers.DeleteTrust(t.Context(), asserter.Trust.ID) }, http.StatusBadRequest},
			{"it is trusted again", assertion, http.StatusBadRequest, func() error { return one.Store.TrustedIssuers.InsertTrust(t.Context(), asserter.Trust) }, http.StatusOK},
			{"the subject's account is disabled", assertion, http.StatusOK, func() error { return one.Store.Accounts.SetDisabled(t.Context(), ada.Subject, true, one.Time()) }, http.StatusBadRequest},
			{"an API key is revoked", operators, http.StatusOK, func() error { return one.Store.APIKeys.DeleteAPIKey(t.Context(), key.ID) }, http.StatusUnauthorized},
		} {
			if p := step.ask(); p.Status != step.before {
				t.Fatalf("before %s: %d %s, want %d", step.name, p.Status, p.Body, step.before)
			}
			servertest.Must(t, step.change())
			if p := step.ask(); p.Status != step.after {
				t.Errorf("after %s: %d %s, want %d", step.name, p.Status, p.Body, step.after)
			}
		}
	})
}

func clientCredentials() url.Values { return url.Values{"grant_type": {"client_credentials"}} }

// After a rotation the other replica signs with the new key, and a key that was
// withdrawn verifies nothing there.
func TestSigningKeyChangesTakeEffectAtOtherReplica(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, address string) {
		t.Helper()
		settings := map[string]string{}
		one, other := servertest.Start(t, storetest.Open(t, address), settings), servertest.Start(t, storetest.Open(t, address), settings)
		for _, s := range []*servertest.Server{one, other} {
			s.Advance(2 * time.Hour) // the minimum publication time of the next key has passed
		}
		token := func() string {
			t.Helper()
			return servertest.Text(other.PostForm("/oauth2/token", clientCredentials()).JSON(t)["access_token"])
		}
		signedBy := func(token string) string {
			t.Helper()
			parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
			servertest.Must(t, err)
			return parsed.Headers[0].KeyID
		}
		before := token()
		if !other.IsActive(before) {
			t.Fatal("a fresh token is not active")
		}
		_, err := one.App.Keys.Rotate(t.Context(), jwks.ES256)
		servertest.Must(t, err)
		after := token()
		if signedBy(after) == signedBy(before) {
			t.Error("after the rotation the other replica signs with the old key")
		}
		if set := other.NewBrowser().Get("/.well-known/jwks.json").Body; !strings.Contains(set, signedBy(before)) {
			t.Error("the past key is no longer published")
		}
		servertest.Must(t, one.App.Keys.Remove(t.Context(), signedBy(before)))
		if other.IsActive(before) {
			t.Error("a token of a key that was withdrawn is active at the other replica")
		}
		if !other.IsActive(after) {
			t.Error("a token of the new key is not active")
		}
		if set := other.NewBrowser().Get("/.well-known/jwks.json").Body; strings.Contains(set, signedBy(before)) {
			t.Error("the other replica publishes a key that was withdrawn")
		}
	})
}

// A replica that is stopped while a client is deleted, by the command line, has nothing
// for it in its first answer, and the command ends soon all the same.
func TestResumedReplicaUsesNoStaleData(t *testing.T) {
	t.Parallel()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			c := rig.Serve(t, rig.Options{Replicas: 2, Database: rig.Database(t, engine)})
			clients := rig.StandardClients()
			rig.ImportClients(t, c, clients.Machine, clients.Opaque)
			for _, client := range []rig.Client{clients.Machine, clients.Opaque} {
				for i := range c.Len() {
					if a := c.At(i).Credentials(t.Context(), &client); a.Status != http.StatusOK {
						t.Fatalf("replica %d: %v", i, a)
					}
				}
			}
			// Both replicas run: the change applies at both as soon as the command has ended.
			rig.Command(t, c, "clients", "delete", clients.Machine.ID, "--yes")
			for i := range c.Len() {
				if a := c.At(i).Credentials(t.Context(), &clients.Machine); a.Text("error") != "invalid_client" {
					t.Errorf("replica %d gives to a deleted client: %v", i, a)
				}
			}

			c.Pause(1)
			rig.Command(t, c, "clients", "delete", clients.Opaque.ID, "--yes")
			if a := c.At(0).Credentials(t.Context(), &clients.Opaque); a.Text("error") != "invalid_client" {
				t.Errorf("the running replica gives to a deleted client: %v", a)
			}
			response := make(chan *rig.Response, 1)
			go func() { response <- c.At(1).Credentials(context.WithoutCancel(t.Context()), &clients.Opaque) }()
			c.Resume(1)
			if a := <-response; a.Text("error") != "invalid_client" {
				t.Errorf("the replica that was stopped gives to a deleted client: %v", a)
			}
			rig.ImportClients(t, c, clients.Opaque) // the client exists again
			for i := range c.Len() {
				if a := c.At(i).Credentials(t.Context(), &clients.Opaque); a.Status != http.StatusOK {
					t.Errorf("replica %d: %v", i, a)
				}
			}
		})
	}
}

// Two replicas work through PgBouncer in transaction mode without any setting for it.
func TestServerRunsThroughPgBouncer(t *testing.T) {
	t.Parallel()
	c := rig.Serve(t, rig.Options{Replicas: 2, Database: storetest.PgBouncerURL(t, storetest.PostgresURL(t))})
	clients, ada := rig.StandardClients(), rig.User{Username: "ada", Password: servertest.Password}
	rig.ImportClients(t, c, clients.Machine, clients.Trusted)
	rig.ImportUsers(t, c, ada)
	browser := rig.NewBrowser(c.Endpoint, ada)
	for i := range 6 {
		at := c.At(i % c.Len())
		if a := at.Credentials(t.Context(), &clients.Machine); a.Status != http.StatusOK {
			t.Fatalf("client credentials: %v", a)
		}
		authorized, err := browser.Authorize(t.Context(), &clients.Trusted, nil)
		servertest.Must(t, err)
		given := at.Exchange(t.Context(), &clients.Trusted, authorized.Code, authorized.Verifier)
		if given.Status != http.StatusOK {
			t.Fatalf("code: %v", given)
		}
		if a := at.Userinfo(t.Context(), given.Text("access_token")); a.Status != http.StatusOK {
			t.Fatalf("userinfo: %v", a)
		}
	}
	rig.Command(t, c, "clients", "delete", clients.Machine.ID, "--yes")
	for i := range c.Len() {
		if a := c.At(i).Credentials(t.Context(), &clients.Machine); a.Text("error") != "invalid_client" {
			t.Errorf("replica %d gives to a deleted client: %v", i, a)
		}
	}
}

// A server whose database role may not create partitions does not start, and lists the missing rights.
func TestServeListsMissingRights(t *testing.T) {
	t.Parallel()
	address := storetest.MigratedURL(t)
	role := storetest.Role(t, address, false)
	storetest.Exec(t, address, `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO `+role.Name)
	result := rig.RunAlone(t, map[string]string{
		"DATABASE_URL": role.URL, "ISSUER": "http://localhost:4444", "SYSTEM_SECRETS": servertest.SystemSecret, "LISTEN": "127.0.0.1:0", "ADMIN_LISTEN": "off",
	}, "serve")
	if result.Code != 1 {
		t.Errorf("serve ended with %d, want 1", result.Code)
	}
	servertest.Contains(t, result.Stderr, "lacks rights", "owns table grants")
}
