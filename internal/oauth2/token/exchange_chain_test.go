package token_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// addNextClient imports the client next, which exchanges what svc got for it.
func addNextClient(s *servertest.Server, policy string) {
	s.TB.Helper()
	s.ImportClient(`{"client_id": "next", "client_secret": "` + servertest.OtherSecret + `", "token_endpoint_auth_method": "client_secret_post",
		"grant_types": ["` + servertest.ExchangeGrant + `", "client_credentials"], "scope": "openid profile api", "served_resources": ["https://down.example"],
		"token_exchange": ` + policy + `}`)
}

const nextPolicy = `{"subject_clients": ["svc"], "audiences": ["https://last.example"]}`

func disableClient(t *testing.T, db *store.Store, id string) {
	t.Helper()
	c, err := db.Clients.Client(t.Context(), id)
	servertest.Must(t, err)
	c.Disabled = true
	servertest.Must(t, db.Clients.UpdateClient(t.Context(), c))
}

// A token ends with everything that it came from: one line for each.
func TestExchangedTokenEndsWithItsSources(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, s *servertest.Server, db *store.Store, c chain){
		"the grant of the user is revoked": func(t *testing.T, s *servertest.Server, _ *store.Store, c chain) {
			t.Helper()
			s.PostForm("/oauth2/revoke", url.Values{"token": {servertest.Text(c.user["refresh_token"])}})
		},
		"the subject token is revoked": func(t *testing.T, s *servertest.Server, _ *store.Store, c chain) {
			t.Helper()
			s.PostForm("/oauth2/revoke", url.Values{"token": {servertest.Text(c.user["access_token"])}})
		},
		"the token between is revoked": func(t *testing.T, s *servertest.Server, _ *store.Store, c chain) {
			t.Helper()
			s.PostForm("/oauth2/revoke", servertest.AsPost("svc", url.Values{"token": {servertest.Text(c.middle)}}))
		},
		"it is revoked itself": func(t *testing.T, s *servertest.Server, _ *store.Store, c chain) {
			t.Helper()
			s.PostForm("/oauth2/revoke", servertest.AsPost("next", url.Values{"token": {servertest.Text(c.last)}}))
		},
		"the grant of the actor is revoked": func(t *testing.T, s *servertest.Server, _ *store.Store, c chain) {
			t.Helper()
			s.PostForm("/oauth2/revoke", url.Values{"token": {servertest.Text(c.actor["refresh_token"])}})
		},
		"the token of the actor is revoked": func(t *testing.T, s *servertest.Server, _ *store.Store, c chain) {
			t.Helper()
			s.PostForm("/oauth2/revoke", url.Values{"token": {servertest.Text(c.actor["access_token"])}})
		},
		"the client of the user is disabled": func(t *testing.T, _ *servertest.Server, db *store.Store, _ chain) {
			t.Helper()
			disableClient(t, db, "web")
		},
		"the client between is disabled": func(t *testing.T, _ *servertest.Server, db *store.Store, _ chain) {
			t.Helper()
			disableClient(t, db, "svc")
		},
		"the client between is deleted": func(t *testing.T, _ *servertest.Server, db *store.Store, _ chain) {
			t.Helper()
			servertest.Must(t, db.Clients.DeleteClient(t.Context(), "svc"))
		},
		"the tokens of the client between end": func(t *testing.T, s *servertest.Server, db *store.Store, _ chain) {
			t.Helper()
			s.Advance(time.Second)
			servertest.Must(t, db.Clients.EndClientTokens(t.Context(), "svc", s.Time()))
		},
		"its client is disabled": func(t *testing.T, _ *servertest.Server, db *store.Store, _ chain) {
			t.Helper()
			disableClient(t, db, "next")
		},
		"the user is disabled": func(t *testing.T, s *servertest.Server, db *store.Store, _ chain) {
			t.Helper()
			disableUser(t, s, db, "ada")
		},
		"the actor is disabled": func(t *testing.T, s *servertest.Server, db *store.Store, _ chain) {
			t.Helper()
			disableUser(t, s, db, "bob")
		},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.Store) {
				t.Helper()
				s, c := newChain(t, db)
				if !activeFor(s, c.last) {
					t.Fatal("the last token is not active before anything ended")
				}
				end(t, s, db, c)
				if activeFor(s, c.last) {
					t.Errorf("%s: the token is still active", name)
				}
			})
		})
	}
}

// chain has the tokens of two exchanges in a row: of ada's token with bob as the actor by svc, and of the
// result by next.
type chain struct {
	user, actor  map[string]any
	middle, last any
}

func newChain(t *testing.T, db *store.Store) (*servertest.Server, chain) {
	t.Helper()
	s, _, user := exchangeServer(t, db, `{"subject_clients": ["web"], "audiences": ["https://down.example"], "actor_clients": ["web"]}`)
	addNextClient(s, nextPolicy)
	bob := s.NewBrowser()
	page := bob.Get(bob.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode()).Header.Get("Location"))
	bob.Post(page.FormAction(), url.Values{"request": {page.HiddenField("request")}, "username": {"bob"}, "password": {servertest.Password}})
	c := chain{user: user, actor: userTokens(bob, s)}
	c.middle = wantExchanged(t, s.Exchange(user["access_token"], "actor_token", servertest.Text(c.actor["access_token"]), "actor_token_type", typeOf+"access_token"))["access_token"]
	c.last = wantExchanged(t, s.Exchange(c.middle, "client_id", "next"))["access_token"]
	return s, c
}

// activeFor reports whether a token is active for an operator.
func activeFor(s *servertest.Server, token any) bool {
	s.TB.Helper()
	response, err := s.App.OAuth2.Introspection.Inspect(s.TB.Context(), servertest.Text(token), nil)
	if err != nil {
		s.TB.Fatal(err)
	}
	return response.Active
}

func disableUser(t *testing.T, s *servertest.Server, db *store.Store, username string) {
	t.Helper()
	_, err := db.Accounts.ChangeAccount(t.Context(), servertest.SubjectOf(t, s, username), s.Time(), func(a *account.Account) error {
		a.DisabledAt = s.Time()
		return nil
	})
	servertest.Must(t, err)
}

// act nests: the last actor first.
//
// Spec: RFC 8693 §4.1.
func TestExchangedTokenNamesTheActors(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, c := newChain(t, db)
		ada, bob := servertest.SubjectOf(t, s, "ada"), servertest.SubjectOf(t, s, "bob")
		acting := servertest.Object{"sub": bob, "client_id": "web"}
		servertest.WantMembers(t, servertest.Claims(t, c.middle), servertest.Object{"sub": ada, "act": acting})
		servertest.WantMembers(t, servertest.Claims(t, c.last), servertest.Object{
			"sub": ada, "aud": []any{"https://last.example"}, "act": servertest.Object{"sub": "next", "act": acting},
		})
		// An actor has no actor itself.
		servertest.WantError(t, s.Exchange(c.user["access_token"], "actor_token", servertest.Text(c.middle), "actor_token_type", typeOf+"access_token"), 400, "invalid_request")
		// A token that was exchanged does not operate the server, regardless of its audience.
		servertest.ImportClientPolicy(s, "svc", `{"audiences": ["`+s.URL+`"]}`)
		own := s.PostForm("/oauth2/token", servertest.AsPost("svc", url.Values{"grant_type": {"client_credentials"}, "scope": {"api"}})).JSON(t)["access_token"]
		exchanged := wantExchanged(t, s.Exchange(own))["access_token"]
		servertest.WantMembers(t, servertest.Claims(t, exchanged), servertest.Object{"sub": "svc", "aud": []any{s.URL}, "gid": nil})
		for _, tc := range []struct {
			token any
			isOwn bool
		}{{own, true}, {exchanged, false}} {
			token, err := s.App.OAuth2.AccessTokens.Lookup(t.Context(), servertest.Text(tc.token))
			servertest.Must(t, err)
			if isOwn := token.Data == nil; isOwn != tc.isOwn {
				t.Errorf("the token is the client's own for the admin API: %v, want %v", isOwn, tc.isOwn)
			}
		}
	})
}

// The policy bounds the number of actors, and the tokens of a chain.
func TestExchangeIsNotEndless(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, _, user := exchangeServer(t, db, `{"subject_clients": ["web", "svc"], "audiences": ["https://down.example"], "impersonation": true}`)
		addNextClient(s, `{"subject_clients": ["*"], "subject_audiences": ["https://api.example"], "audiences": ["https://last.example"], "max_depth": 1}`)
		token := user["access_token"]
		for range 8 {
			token = wantExchanged(t, s.Exchange(token))["access_token"]
		}
		if claims := servertest.Claims(t, token); claims["act"] != nil {
			t.Errorf("impersonation names an actor: %v", claims["act"])
		}
		servertest.WantError(t, s.Exchange(token), 400, "invalid_request")

		one := wantExchanged(t, s.Exchange(user["access_token"], "client_id", "next"))["access_token"]
		two := wantExchanged(t, s.Exchange(one, "client_id", "next"))["access_token"] // the same actor once more
		servertest.WantMembers(t, servertest.Claims(t, two), servertest.Object{"act": servertest.Object{"sub": "next"}})
		servertest.ImportClientPolicy(s, "next", `{"subject_clients": ["*"], "subject_audiences": ["https://down.example"], "audiences": ["https://last.example"], "max_depth": 1, "actor_clients": ["*"]}`)
		actor := s.PostForm("/oauth2/token", servertest.AsPost("svc", url.Values{"grant_type": {"client_credentials"}, "resource": {"https://down.example"}})).JSON(t)
		servertest.WantError(t, s.Exchange(two, "client_id", "next", "actor_token", servertest.Text(actor["access_token"]), "actor_token_type", typeOf+"access_token"), 400, "invalid_request")
	})
}

// A revocation concurrent with an exchange: the token is never active after the revocation was answered.
func TestExchangeRacesRevocation(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, _, user := exchangeServer(t, db, servertest.ExchangePolicy)
		results := make(chan servertest.Response)
		const tries = 8
		for range tries {
			go func() { results <- s.Exchange(user["access_token"]) }()
		}
		s.PostForm("/oauth2/revoke", url.Values{"token": {servertest.Text(user["refresh_token"])}})
		for range tries {
			p := <-results
			if p.Status == http.StatusOK && activeFor(s, p.JSON(t)["access_token"]) {
				t.Error("a token outlives the revocation of its grant")
			}
		}
		servertest.WantError(t, s.Exchange(user["access_token"]), 400, "invalid_request")
	})
}

// The row of a grant is kept while a token is active that came from it, also from its refresh token.
func TestExchangedTokenKeepsItsGrant(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, nil)
		servertest.ImportClientPolicy(s, "web", `{"audiences": ["https://down.example"]}`)
		user := userTokens(s.NewBrowser(), s)
		s.Advance(9 * time.Minute)
		form := url.Values{"grant_type": {servertest.ExchangeGrant}, "subject_token": {servertest.Text(user["refresh_token"])}, "subject_token_type": {typeOf + "refresh_token"}}
		token := wantExchanged(t, s.PostForm("/oauth2/token", form))["access_token"]
		servertest.WantMembers(t, servertest.Claims(t, token), servertest.Object{"aud": []any{"https://down.example"}, "act": servertest.Object{"sub": "web"}})
		s.Advance(8 * time.Minute) // after the end of the access token of the code
		if _, err := db.Purge(t.Context(), s.Time()); err != nil {
			t.Fatal(err)
		}
		// A token ends with the first that it comes from.
		actor := s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}}).JSON(t)["access_token"]
		s.Advance(time.Minute)
		later := wantExchanged(t, s.PostForm("/oauth2/token", with(with(form, "actor_token", servertest.Text(actor)), "actor_token_type", typeOf+"access_token")))["access_token"]
		if ends, before := servertest.Claims(t, later)["exp"], servertest.Claims(t, actor)["exp"]; ends != before {
			t.Errorf("the token ends at %v, that of the actor at %v", ends, before)
		}
		form.Del("actor_token")
		form.Del("actor_token_type")
		if !activeFor(s, token) {
			t.Error("the grant of an active token was purged")
		}
		if p := s.Refresh(user["refresh_token"]); p.Status != http.StatusOK {
			t.Errorf("the exchange used up the refresh token: %d %s", p.Status, p.Body)
		}
		servertest.WantError(t, s.PostForm("/oauth2/token", form), 400, "invalid_request") // rotated
		if active := activeFor(s, token); !active {
			t.Error("presenting a rotated refresh token for exchange revoked the grant")
		}
	})
}
