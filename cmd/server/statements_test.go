package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// TestStatementsPerRequest holds the table of docs/architecture.md, section 2.
func TestStatementsPerRequest(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := start(t, db, legacy())
		s.bring(legacyClient("legacy", ""))
		signer := s.addAssertingClient()
		a := s.trusting("")
		b := s.browser()
		b.code(asking())                                                        // signs in, and warms the caches
		b.authorize(asking("client_id", "legacy", "response_type", "id_token")) // of another bucket
		s.call("/oauth2/token", s.assertion(signer))
		s.call("/oauth2/token", a.asserts("warm"))

		expect := func(request string, want int64, act func() reply) reply {
			t.Helper()
			before := db.Statements()
			p := act()
			if got := db.Statements() - before; got != want {
				t.Errorf("%s: %d statements, want %d", request, got, want)
			}
			if p.status >= http.StatusBadRequest {
				t.Fatalf("%s: %d %s", request, p.status, p.body)
			}
			return p
		}
		expect("discovery", 0, func() reply { return b.get("/.well-known/openid-configuration") })
		expect("JWKS", 0, func() reply { return b.get("/.well-known/jwks.json") })
		expect("client_credentials", 0, func() reply {
			return s.call("/oauth2/token", url.Values{"grant_type": {"client_credentials"}})
		})
		expect("client_credentials, private_key_jwt", 1, func() reply {
			return s.call("/oauth2/token", s.assertion(signer))
		})
		expect("jwt-bearer", 2, func() reply { return s.call("/oauth2/token", a.asserts("mike")) })
		token := expect("jwt-bearer, of an issuer known", 1, func() reply { return s.call("/oauth2/token", a.asserts("mike")) }).json(t)["access_token"]
		expect("introspect, of an issuer's word", 1, func() reply {
			return s.call("/oauth2/introspect", url.Values{"token": {text(token)}})
		})
		code := expect("authorize", 2, func() reply { return b.get("/oauth2/auth?" + asking().Encode()) }).location().Query().Get("code")
		for _, kind := range client.LegacyResponseTypes() {
			expect("authorize, "+kind, 2, func() reply {
				return b.get("/oauth2/auth?" + asking("client_id", "legacy", "response_type", kind).Encode())
			})
		}
		tokens := expect("authorization_code", 1, func() reply { return s.call("/oauth2/token", exchanging(code)) }).json(t)
		tokens = expect("refresh_token", 1, func() reply { return s.refresh(tokens["refresh_token"]) }).json(t)
		expect("userinfo", 1, func() reply { return s.userinfo(tokens["access_token"]) })
		expect("introspect, access token", 1, func() reply {
			return s.call("/oauth2/introspect", url.Values{"token": {text(tokens["access_token"])}})
		})
		expect("introspect, refresh token", 1, func() reply {
			return s.call("/oauth2/introspect", url.Values{"token": {text(tokens["refresh_token"])}})
		})
		expect("introspect, garbage", 0, func() reply {
			return s.call("/oauth2/introspect", url.Values{"token": {"garbage"}})
		})
		expect("revoke, access token", 1, func() reply {
			return s.call("/oauth2/revoke", url.Values{"token": {text(tokens["access_token"])}})
		})
		expect("revoke, refresh token", 1, func() reply {
			return s.call("/oauth2/revoke", url.Values{"token": {text(tokens["refresh_token"])}})
		})
	})
}

// TestStatementsWithApps counts for people who sign in and agree with the operator's
// own apps. Reading the client, which is done once in a while, does not count.
func TestStatementsWithApps(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startApart(t, db, nil)
		s.browser().through(s, asking(), "warm") // makes the partitions

		step := func(name string, want int64, act func() reply) reply {
			t.Helper()
			before := db.Statements()
			p := act()
			if got := db.Statements() - before; got != want {
				t.Errorf("%s: %d statements, want %d", name, got, want)
			}
			return p
		}
		const requests = "/admin/oauth2/auth/requests/"
		flow := func(kind string, b *browser, authorize, back, agreed int64) {
			t.Helper()
			p := step(kind+", authorize", authorize, func() reply { return b.get("/oauth2/auth?" + asking().Encode()) })
			login := s.login(p)
			step(kind+", login request", 1, func() reply { return s.ask(http.MethodGet, requests+"login?login_challenge="+login, "") })
			// The answer, and the audit event before and after it.
			p = step(kind+", login accepted", 3, func() reply {
				return s.put("login/accept", login, object{"subject": "jo", "remember": true})
			})
			p = step(kind+", back from login", back, func() reply { return b.get(s.to(p)) })
			consent := s.consent(p)
			step(kind+", consent request", 1, func() reply {
				return s.ask(http.MethodGet, requests+"consent?consent_challenge="+consent, "")
			})
			p = step(kind+", consent accepted", agreed, func() reply {
				return s.put("consent/accept", consent, object{"grant_scope": allScopes, "remember": kind != "somebody new"})
			})
			p = step(kind+", back from consent", 2, func() reply { return b.get(s.to(p)) })
			code := codeOf(t, p)
			step(kind+", code", 1, func() reply { return s.call("/oauth2/token", exchanging(code)) })
		}
		b := s.browser()
		flow("somebody new", s.browser(), 1, 3, 1)
		flow("somebody known, whose consent is remembered", b, 1, 2, 3)
		flow("session and consent kept", b, 2, 2, 1)
	})
}

// addAssertingClient brings a client that authenticates by private_key_jwt.
func (s *server) addAssertingClient() jose.Signer {
	s.tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.tb.Fatal(err)
	}
	entry, err := json.Marshal([]any{map[string]any{
		"client_id": "asserting", "token_endpoint_auth_method": "private_key_jwt", "grant_types": []string{"client_credentials"},
		"jwks": jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}},
	}})
	if err != nil {
		s.tb.Fatal(err)
	}
	if _, _, err := importClients(s.tb.Context(), s.config, s.store, s.hasher, entry); err != nil {
		s.tb.Fatal(err)
	}
	s.pass(time.Minute) // beyond the moment at which it was made
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "k"}}, nil)
	if err != nil {
		s.tb.Fatal(err)
	}
	return signer
}

// assertion returns a token request that authenticates with a fresh assertion.
func (s *server) assertion(signer jose.Signer) url.Values {
	s.tb.Helper()
	now := s.time()
	signed, err := jwt.Signed(signer).Claims(map[string]any{
		"iss": "asserting", "sub": "asserting", "aud": s.url, "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}).Serialize()
	if err != nil {
		s.tb.Fatal(err)
	}
	return url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"asserting"}, "client_assertion": {signed},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}
}

// TestStatementsOfADevice counts what a device and its person cost.
func TestStatementsOfADevice(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startDevices(t, db, map[string]string{"rate_limits": "off"})
		b := s.browser()
		b.code(asking()) // signs in
		warm := s.device(tv("scope", "openid"))
		b.follow(b.enter(warm, "continue"))
		warm.poll()

		step := func(name string, want int64, act func() reply) reply {
			t.Helper()
			before := db.Statements()
			p := act()
			if got := db.Statements() - before; got != want {
				t.Errorf("%s: %d statements, want %d", name, got, want)
			}
			return p
		}
		p := step("the device begins", 1, func() reply { return s.call("/oauth2/device/auth", tv("scope", "openid")) })
		d := &waiting{s, "tv", text(p.json(t)["device_code"]), text(p.json(t)["user_code"]), ""}
		step("it asks in vain", 1, d.ask)
		step("the person enters the code", 2, func() reply { return b.enter(d, "") })
		p = step("and says that it is theirs", 3, func() reply { return b.enter(d, "continue") })
		step("signed in and agreed before", 2, func() reply { return b.get(p.location().String()) })
		s.pass(5 * time.Second)
		s.call("/oauth2/revoke", tv("token", "x")) // the client is read again once in a while,
		b.get("/.well-known/openid-configuration") // and so are the scopes
		step("it gets its tokens", 2, d.ask)
	})
}
