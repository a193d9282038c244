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

// A bound token is exchanged with a proof of its key only, and the new one is bound to that.
//
// Spec: RFC 9449 §5, §7.
func TestExchangeOfBoundTokens(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, b, user := exchangeServer(t, db, `{"subject_clients": ["web"], "audiences": ["https://down.example"], "actor_clients": ["web"]}`)
		key, other := servertest.NewDPoPKey(s), servertest.NewDPoPKey(s)
		code := b.Code(servertest.AuthorizationRequest("resource", "https://api.example"))
		bound := key.PostForm("/oauth2/token", servertest.CodeExchange(code)).JSON(t)["access_token"]
		servertest.WantError(t, s.Exchange(bound), 400, "invalid_dpop_proof")
		servertest.WantError(t, other.PostForm("/oauth2/token", servertest.ExchangeForm(bound)), 400, "invalid_dpop_proof")
		got := wantExchanged(t, key.PostForm("/oauth2/token", servertest.ExchangeForm(bound)))
		cnf := servertest.Object{"jkt": key.Thumbprint()}
		servertest.WantMembers(t, got, servertest.Object{"token_type": "DPoP"})
		servertest.WantMembers(t, servertest.Claims(t, got["access_token"]), servertest.Object{"cnf": cnf})
		servertest.WantError(t, key.PostForm("/oauth2/token", servertest.ExchangeForm(bound, "requested_token_type", typeOf+"id_token")), 400, "invalid_request")

		// A bound actor token needs its proof too.
		withActor := []string{"actor_token", servertest.Text(bound), "actor_token_type", typeOf + "access_token"}
		servertest.WantError(t, s.Exchange(user["access_token"], withActor...), 400, "invalid_dpop_proof")

		// An unbound one becomes bound to the key of the client that exchanges it.
		got = wantExchanged(t, other.PostForm("/oauth2/token", servertest.ExchangeForm(user["access_token"])))
		servertest.WantMembers(t, servertest.Claims(t, got["access_token"]), servertest.Object{"cnf": servertest.Object{"jkt": other.Thumbprint()}})
		servertest.WantError(t, s.Exchange(got["access_token"]), 400, "invalid_dpop_proof")

		// A client that must bind its tokens cannot exchange without a proof.
		c, err := db.Clients.Client(t.Context(), "svc")
		servertest.Must(t, err)
		c.DPoPBoundAccessTokens = true
		servertest.Must(t, db.Clients.UpdateClient(t.Context(), c))
		servertest.WantError(t, s.Exchange(user["access_token"]), 400, "invalid_dpop_proof")
	})
}

// may_act comes from a token hook or a consent app, and names the only actor.
//
// Spec: RFC 8693 §4.4.
func TestMayActNamesTheActor(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		h := newHook(t)
		s := servertest.Start(t, db, map[string]string{"token_hook_url": h.url})
		servertest.AddExchangeClient(s, servertest.ExchangePolicy, "")
		addNextClient(s, nextPolicy)
		b := s.NewBrowser()
		actor := s.PostForm("/oauth2/token", servertest.AsPost("next", url.Values{"grant_type": {"client_credentials"}})).JSON(t)["access_token"]
		for claim, want := range map[string]int{
			`{"sub": "svc"}`: http.StatusOK,
			`{"client_id": "svc", "sub": "svc", "iss": "` + s.URL + `", "reason": "support"}`: http.StatusOK,
			`{"sub": "next"}`: http.StatusBadRequest,
			`{"sub": "svc", "iss": "https://elsewhere.example"}`: http.StatusBadRequest,
			`{"iss": "` + s.URL + `"}`:                           http.StatusBadRequest,
			`{"sub": 7}`:                                         http.StatusBadRequest,
			`{}`:                                                 http.StatusBadRequest,
		} {
			h.says(http.StatusOK, `{"session":{"access_token":{"may_act": `+claim+`, "n": 1}}}`)
			token := userTokens(b, s)["access_token"]
			servertest.WantMembers(t, servertest.Claims(t, token), servertest.Object{"may_act": servertest.ParseObject(t, claim), "ext": servertest.Object{"n": 1.0}})
			h.says(http.StatusNoContent, "")
			p := s.Exchange(token)
			if p.Status != want {
				t.Errorf("may_act %s: %d %s, want %d", claim, p.Status, p.Body, want)
			}
			if want == http.StatusOK { // what the hook said of the token of web is not said of this one
				servertest.WantMembers(t, servertest.Claims(t, p.JSON(t)["access_token"]), servertest.Object{"may_act": nil, "ext": nil})
			}
			servertest.WantMembers(t, s.PostForm("/oauth2/introspect", url.Values{"token": {servertest.Text(token)}}).JSON(t),
				servertest.Object{"active": true, "may_act": servertest.ParseObject(t, claim)})
		}
		// It admits an actor token that the policy does not name, if that is for the client.
		h.says(http.StatusOK, `{"session":{"access_token":{"may_act": {"sub": "next"}}}}`)
		token := userTokens(b, s)["access_token"]
		h.says(http.StatusNoContent, "")
		withActor := func(actor any) []string {
			return []string{"actor_token", servertest.Text(actor), "actor_token_type", typeOf + "access_token"}
		}
		servertest.WantError(t, s.Exchange(token, withActor(actor)...), 400, "invalid_request")
		c, err := db.Clients.Client(t.Context(), "next")
		servertest.Must(t, err)
		c.Audience = []string{"https://api.example"}
		servertest.Must(t, db.Clients.UpdateClient(t.Context(), c))
		actor = s.PostForm("/oauth2/token", servertest.AsPost("next", url.Values{"grant_type": {"client_credentials"}, "resource": {"https://api.example"}})).JSON(t)["access_token"]
		got := wantExchanged(t, s.Exchange(token, withActor(actor)...))
		servertest.WantMembers(t, servertest.Claims(t, got["access_token"]), servertest.Object{"act": servertest.Object{"sub": "next"}})
		servertest.WantError(t, s.Exchange(userTokens(b, s)["access_token"], withActor(actor)...), 400, "invalid_request") // without may_act the policy decides

		// The hook decides about the exchange too.
		h.says(http.StatusForbidden, "")
		servertest.WantError(t, s.Exchange(token, withActor(actor)...), 403, "access_denied")
		h.says(http.StatusOK, `{"session":{"access_token":{"tier": "gold"}}}`)
		got = wantExchanged(t, s.Exchange(token, withActor(actor)...))
		servertest.WantMembers(t, servertest.Claims(t, got["access_token"]), servertest.Object{"ext": servertest.Object{"tier": "gold"}})
	})
}

// An ID token is exchanged by its own client only, and is what a client may get for its own use.
//
// Spec: RFC 8693 §2.2.1, §3.
func TestExchangeOfIDTokens(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, b, user := exchangeServer(t, db, servertest.ExchangePolicy)
		got := wantExchanged(t, s.Exchange(user["access_token"], "requested_token_type", typeOf+"id_token"))
		servertest.WantMembers(t, got, servertest.Object{"token_type": "N_A", "issued_token_type": typeOf + "id_token", "scope": "openid profile api"})
		idToken := got["access_token"]
		servertest.WantMembers(t, servertest.Claims(t, idToken), servertest.Object{
			"aud": "svc", "sub": servertest.SubjectOf(t, s, "ada"), "name": "Ada Lovelace", "email": nil, "act": servertest.Object{"sub": "svc"}, "sid": nil, "nonce": nil,
		})
		servertest.WantError(t, s.Exchange(user["access_token"], "requested_token_type", typeOf+"id_token", "audience", "svc"), 400, "invalid_target")
		withoutOpenID := userTokens(b, s, "scope", "api")["access_token"]
		servertest.WantError(t, s.Exchange(withoutOpenID, "requested_token_type", typeOf+"id_token"), 400, "invalid_scope")
		if p := s.Userinfo(idToken); p.Status != http.StatusUnauthorized {
			t.Errorf("userinfo with an ID token: %d", p.Status)
		}

		// It can be exchanged again, and ends with the token that it came from.
		form := servertest.ExchangeForm(idToken, "subject_token_type", typeOf+"id_token")
		token := wantExchanged(t, s.PostForm("/oauth2/token", form))["access_token"]
		servertest.WantMembers(t, servertest.Claims(t, token), servertest.Object{"act": servertest.Object{"sub": "svc"}, "client_id": "svc"})
		s.PostForm("/oauth2/revoke", url.Values{"token": {servertest.Text(user["access_token"])}})
		if activeFor(s, token) {
			t.Error("the token outlives that from which its ID token came")
		}
		servertest.WantError(t, s.PostForm("/oauth2/token", form), 400, "invalid_request")

		// One of the code flow names its grant once its client may exchange tokens.
		servertest.ImportClientPolicy(s, "web", `{"audiences": ["https://down.example"]}`)
		own := func(idToken any) servertest.Response {
			return s.PostForm("/oauth2/token", url.Values{
				"grant_type": {servertest.ExchangeGrant}, "subject_token": {servertest.Text(idToken)}, "subject_token_type": {typeOf + "id_token"},
			})
		}
		servertest.WantError(t, own(user["id_token"]), 400, "invalid_request") // from before
		user = userTokens(b, s)
		token = wantExchanged(t, own(user["id_token"]))["access_token"]
		servertest.WantError(t, own(servertest.Text(user["id_token"])+"x"), 400, "invalid_request")
		servertest.WantError(t, s.Exchange(user["id_token"], "subject_token_type", typeOf+"id_token"), 400, "invalid_request") // of another client
		s.PostForm("/oauth2/revoke", url.Values{"token": {servertest.Text(user["refresh_token"])}})
		servertest.WantError(t, own(user["id_token"]), 400, "invalid_request")
		if activeFor(s, token) {
			t.Error("the token outlives the grant of the ID token")
		}
		user = userTokens(b, s)
		s.Advance(2 * time.Hour)
		servertest.WantError(t, own(user["id_token"]), 400, "invalid_request") // expired, and its grant is active
	})
}

// A JWT of a trusted issuer is exchanged once, if the policy names its issuer.
func TestExchangeOfTrustedJWTs(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, nil)
		a := servertest.NewAssertionIssuer(s, "")
		servertest.AddExchangeClient(s, `{"audiences": ["https://down.example"]}`, "")
		exchange := func(subject string, changes ...any) servertest.Response {
			return s.Exchange(a.TokenRequest(subject, changes...).Get("assertion"), "subject_token_type", typeOf+"jwt")
		}
		servertest.WantError(t, exchange("mike"), 400, "invalid_request")
		servertest.ImportClientPolicy(s, "svc", `{"audiences": ["https://down.example"], "subject_issuers": ["https://issuer.example"]}`)
		assertion := a.TokenRequest("mike").Get("assertion")
		got := wantExchanged(t, s.Exchange(assertion, "subject_token_type", typeOf+"jwt"))
		servertest.WantMembers(t, servertest.Claims(t, got["access_token"]), servertest.Object{
			"sub": "mike", "scope": "api", "act": servertest.Object{"sub": "svc"}, "aud": []any{"https://down.example"}, "gid": nil,
		})
		servertest.WantError(t, s.Exchange(assertion, "subject_token_type", typeOf+"jwt"), 400, "invalid_request") // once
		servertest.WantError(t, exchange("mike", "aud", "https://other.example"), 400, "invalid_request")
		servertest.WantError(t, exchange("mike", "exp", s.Time().Add(-time.Minute).Unix()), 400, "invalid_request")
		servertest.WantError(t, exchange("svc"), 400, "invalid_request") // a client_id
		ended := wantExchanged(t, exchange(servertest.SubjectOf(t, s, "bob")))["access_token"]
		disableUser(t, s, db, "bob")
		if activeFor(s, ended) {
			t.Error("the token outlives the account of its subject")
		}
		if !activeFor(s, got["access_token"]) {
			t.Error("the token is not active")
		}
		servertest.Must(t, db.TrustedIssuers.DeleteTrust(t.Context(), a.Trust.ID))
		if activeFor(s, got["access_token"]) {
			t.Error("the token outlives the trust in its issuer")
		}
	})
}

// The policy may require how and when the user authenticated; groups of the client count too.
//
// Spec: RFC 9470 §3.
func TestExchangeNeedsAuthentication(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, b, user := exchangeServer(t, db, `{"subject_clients": ["web"], "audiences": ["https://down.example"], "max_age": 60}`)
		wantExchanged(t, s.Exchange(user["access_token"]))
		s.Advance(2 * time.Minute)
		servertest.WantError(t, s.Exchange(user["access_token"]), 400, "insufficient_user_authentication")
		servertest.ImportClientPolicy(s, "svc", `{"subject_clients": ["web"], "audiences": ["https://down.example"], "acr_values": ["2"]}`)
		servertest.WantError(t, s.Exchange(user["access_token"]), 400, "insufficient_user_authentication")
		servertest.ImportClientPolicy(s, "svc", `{"subject_clients": ["web"], "audiences": ["https://down.example"], "acr_values": ["1"]}`)
		wantExchanged(t, s.Exchange(user["access_token"]))

		servertest.Must(t, db.Groups.InsertGroup(t.Context(), &account.Group{Name: "staff", CreatedAt: s.Time(), UpdatedAt: s.Time()}))
		c, err := db.Clients.Client(t.Context(), "svc")
		servertest.Must(t, err)
		c.AllowedGroups = []string{"staff"}
		servertest.Must(t, db.Clients.UpdateClient(t.Context(), c))
		servertest.WantError(t, s.Exchange(userTokens(b, s)["access_token"]), 400, "invalid_request")
	})
}

// With the issuer as its audience, the token is for the userinfo endpoint, as one of the client that
// exchanged it.
func TestExchangeForUserinfo(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, _, user := exchangeServer(t, db, servertest.ExchangePolicy)
		servertest.ImportClientPolicy(s, "svc", `{"subject_clients": ["web"], "audiences": ["https://down.example", "`+s.URL+`"]}`)
		servertest.WantError(t, s.Exchange(user["access_token"]), 400, "invalid_target") // two, and none is named
		got := wantExchanged(t, s.Exchange(user["access_token"], "audience", s.URL))
		servertest.WantMembers(t, got, servertest.Object{"scope": "openid profile api"})
		p := s.Userinfo(got["access_token"])
		servertest.WantMembers(t, p.JSON(t), servertest.Object{"sub": servertest.SubjectOf(t, s, "ada"), "name": "Ada Lovelace", "aud": []any{"svc"}, "email": nil})
		if other := wantExchanged(t, s.Exchange(user["access_token"], "audience", "https://down.example"))["access_token"]; s.Userinfo(other).Status != http.StatusUnauthorized {
			t.Error("userinfo accepts a token for another resource")
		}
		s.PostForm("/oauth2/revoke", url.Values{"token": {servertest.Text(user["refresh_token"])}})
		if p := s.Userinfo(got["access_token"]); p.Status != http.StatusUnauthorized {
			t.Errorf("userinfo after the revocation: %d", p.Status)
		}
	})
}
