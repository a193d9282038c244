package server_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// TestStatementsPerRequest holds the table of docs/architecture.md, section 2.
func TestStatementsPerRequest(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, servertest.LegacySettings())
		s.ImportClient(servertest.LegacyClient("legacy", ""))
		signer := servertest.AddPrivateKeyJWTClient(s)
		a := servertest.NewAssertionIssuer(s, "")
		b := s.NewBrowser()
		b.Code(servertest.AuthorizationRequest())                                                        // signs in, and fills the caches
		b.Authorize(servertest.AuthorizationRequest("client_id", "legacy", "response_type", "id_token")) // in another partition
		s.PostForm("/oauth2/token", servertest.PrivateKeyJWTForm(s, signer))
		s.PostForm("/oauth2/token", a.TokenRequest("warm"))

		expect := func(request string, want int64, act func() servertest.Response) servertest.Response {
			t.Helper()
			before := db.Statements()
			p := act()
			if got := db.Statements() - before; got != want {
				t.Errorf("%s: %d statements, want %d", request, got, want)
			}
			if p.Status >= http.StatusBadRequest {
				t.Fatalf("%s: %d %s", request, p.Status, p.Body)
			}
			return p
		}
		expect("discovery", 0, func() servertest.Response { return b.Get("/.well-known/openid-configuration") })
		expect("JWKS", 0, func() servertest.Response { return b.Get("/.well-known/jwks.json") })
		expect("client_credentials", 0, func() servertest.Response {
			return s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}})
		})
		expect("client_credentials, private_key_jwt", 1, func() servertest.Response {
			return s.PostForm("/oauth2/token", servertest.PrivateKeyJWTForm(s, signer))
		})
		expect("jwt-bearer", 2, func() servertest.Response { return s.PostForm("/oauth2/token", a.TokenRequest("mike")) })
		token := expect("jwt-bearer, known issuer", 1, func() servertest.Response { return s.PostForm("/oauth2/token", a.TokenRequest("mike")) }).JSON(t)["access_token"]
		expect("introspect, jwt-bearer token", 1, func() servertest.Response {
			return s.PostForm("/oauth2/introspect", url.Values{"token": {servertest.Text(token)}})
		})
		code := expect("authorize", 2, func() servertest.Response { return b.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode()) }).Location().Query().Get("code")
		for _, kind := range client.LegacyResponseTypes() {
			expect("authorize, "+kind, 2, func() servertest.Response {
				return b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("client_id", "legacy", "response_type", kind).Encode())
			})
		}
		tokens := expect("authorization_code", 1, func() servertest.Response { return s.PostForm("/oauth2/token", servertest.CodeExchange(code)) }).JSON(t)
		tokens = expect("refresh_token", 1, func() servertest.Response { return s.Refresh(tokens["refresh_token"]) }).JSON(t)
		expect("userinfo", 1, func() servertest.Response { return s.Userinfo(tokens["access_token"]) })
		expect("introspect, access token", 1, func() servertest.Response {
			return s.PostForm("/oauth2/introspect", url.Values{"token": {servertest.Text(tokens["access_token"])}})
		})
		expect("introspect, refresh token", 1, func() servertest.Response {
			return s.PostForm("/oauth2/introspect", url.Values{"token": {servertest.Text(tokens["refresh_token"])}})
		})
		expect("introspect, garbage", 0, func() servertest.Response {
			return s.PostForm("/oauth2/introspect", url.Values{"token": {"garbage"}})
		})
		servertest.AddExchangeClient(s, `{"subject_clients": ["web"], "subject_audiences": ["`+s.URL+`"], "audiences": ["https://down.example"]}`, "")
		s.Exchange("none") // reads the client
		exchanged := expect("token exchange", 2, func() servertest.Response { return s.Exchange(tokens["access_token"]) }).JSON(t)["access_token"]
		expect("introspect, exchanged token", 1, func() servertest.Response {
			return s.PostForm("/oauth2/introspect", servertest.AsPost("svc", url.Values{"token": {servertest.Text(exchanged)}}))
		})
		expect("revoke, access token", 1, func() servertest.Response {
			return s.PostForm("/oauth2/revoke", url.Values{"token": {servertest.Text(tokens["access_token"])}})
		})
		expect("revoke, refresh token", 1, func() servertest.Response {
			return s.PostForm("/oauth2/revoke", url.Values{"token": {servertest.Text(tokens["refresh_token"])}})
		})
	})
}

// TestStatementsWithApps counts for people who sign in and agree with the operator's
// own apps. Reading the client, which is done once in a while, does not count.
func TestStatementsWithApps(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartWithApps(t, db, nil)
		s.NewBrowser().AuthorizeByApps(s, servertest.AuthorizationRequest(), "warm") // creates the partitions

		step := func(name string, want int64, act func() servertest.Response) servertest.Response {
			t.Helper()
			before := db.Statements()
			p := act()
			if got := db.Statements() - before; got != want {
				t.Errorf("%s: %d statements, want %d", name, got, want)
			}
			return p
		}
		const requests = "/admin/oauth2/auth/requests/"
		flow := func(kind string, b *servertest.Browser, authorize, back, agreed int64) {
			t.Helper()
			p := step(kind+", authorize", authorize, func() servertest.Response { return b.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode()) })
			login := s.LoginChallenge(p)
			step(kind+", login request", 1, func() servertest.Response {
				return s.CallAdmin(http.MethodGet, requests+"login?login_challenge="+login, "")
			})
			// One for the request, and one for each of the two audit events.
			p = step(kind+", login accepted", 3, func() servertest.Response {
				return s.AnswerChallenge("login/accept", login, servertest.Object{"subject": "jo", "remember": true})
			})
			p = step(kind+", back from login", back, func() servertest.Response { return b.Get(s.RedirectTo(p)) })
			consent := s.ConsentChallenge(p)
			step(kind+", consent request", 1, func() servertest.Response {
				return s.CallAdmin(http.MethodGet, requests+"consent?consent_challenge="+consent, "")
			})
			p = step(kind+", consent accepted", agreed, func() servertest.Response {
				return s.AnswerChallenge("consent/accept", consent, servertest.Object{"grant_scope": servertest.AllScopes, "remember": kind != "a new user"})
			})
			p = step(kind+", back from consent", 2, func() servertest.Response { return b.Get(s.RedirectTo(p)) })
			code := servertest.CodeOf(t, p)
			step(kind+", code", 1, func() servertest.Response { return s.PostForm("/oauth2/token", servertest.CodeExchange(code)) })
		}
		b := s.NewBrowser()
		flow("a new user", s.NewBrowser(), 1, 3, 1)
		flow("a known user with a stored consent", b, 1, 2, 4)
		flow("an existing session and consent", b, 2, 2, 1)
	})
}

// TestStatementsOfDeviceFlow counts the SQL statements of the device flow.
func TestStatementsOfDeviceFlow(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartWithDeviceClients(t, db, map[string]string{"rate_limits": "off"})
		b := s.NewBrowser()
		b.Code(servertest.AuthorizationRequest()) // signs in
		warm := servertest.AuthorizeDevice(s, servertest.DeviceClientForm("scope", "openid"))
		b.Follow(b.EnterUserCode(warm, "continue"))
		warm.Poll()

		step := func(name string, want int64, act func() servertest.Response) servertest.Response {
			t.Helper()
			before := db.Statements()
			p := act()
			if got := db.Statements() - before; got != want {
				t.Errorf("%s: %d statements, want %d", name, got, want)
			}
			return p
		}
		p := step("the device begins", 1, func() servertest.Response {
			return s.PostForm("/oauth2/device/auth", servertest.DeviceClientForm("scope", "openid"))
		})
		d := &servertest.PendingDevice{Server: s, ClientID: "tv", DeviceCode: servertest.Text(p.JSON(t)["device_code"]), UserCode: servertest.Text(p.JSON(t)["user_code"])}
		step("a poll while pending", 1, d.PollNow)
		step("the user enters the code", 2, func() servertest.Response { return b.EnterUserCode(d, "") })
		p = step("and confirms the device", 3, func() servertest.Response { return b.EnterUserCode(d, "continue") })
		step("signed in with a stored consent", 3, func() servertest.Response { return b.Get(p.Location().String()) })
		s.Advance(5 * time.Second)
		s.PostForm("/oauth2/revoke", servertest.DeviceClientForm("token", "x")) // reloads the cached client,
		b.Get("/.well-known/openid-configuration")                              // and the cached scopes
		step("the device gets its tokens", 2, d.PollNow)
	})
}
