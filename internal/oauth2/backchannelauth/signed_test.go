package backchannelauth_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Spec: CIBA Core §7.1.1.
func TestSignedRequests(t *testing.T) {
	eachServer(t, nil, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		c := servertest.AddBackchannelSigner(s.Server, "signing", nil)
		object := c.Sign(c.Claims(servertest.Object{"requested_expiry": 30}))
		p := c.Begin(object)
		response := p.JSON(t)
		servertest.WantMembers(t, response, servertest.Object{"expires_in": 30.0})
		id := servertest.Text(response["auth_req_id"])
		decide(s, id, "accept", "")
		if p := c.Poll(id); p.Status != http.StatusOK {
			t.Errorf("tokens: %d %s", p.Status, p.Body)
		}
		servertest.WantError(t, c.Begin(object), 400, "invalid_request") // once

		servertest.WantMembers(t, c.Begin(c.Sign(c.Claims(servertest.Object{"requested_expiry": "40"}))).JSON(t), servertest.Object{"expires_in": 40.0})
		p = s.PostForm("/oauth2/ciba", c.Authenticated(servertest.Form("scope", "openid", "login_hint", "ada")))
		servertest.WantError(t, p, 400, "invalid_request") // unsigned
		servertest.WantError(t, c.Begin(c.Sign(c.Claims(nil)), "scope", "openid"), 400, "invalid_request")
	})
}

// The faults of a signed request, each with the error that a conformance suite expects.
//
// Spec: CIBA Core §7.1.1, FAPI-CIBA §5.2.2.
func TestFaultsOfSignedRequests(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	c := servertest.AddBackchannelSigner(s, "signing", nil)
	other := servertest.AddBackchannelSigner(s, "another", nil)
	now := s.Time()
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	for name, claims := range map[string]servertest.Object{
		"no aud":                       {"aud": nil},
		"another aud":                  {"aud": "https://evil.example"},
		"the endpoint as aud":          {"aud": s.URL + "/oauth2/ciba"},
		"no iss":                       {"iss": nil},
		"another iss":                  {"iss": "another"},
		"no exp":                       {"exp": nil},
		"an exp in words":              {"exp": "soon"},
		"expired":                      {"exp": at(-time.Minute)},
		"an exp in 70 minutes":         {"exp": at(70 * time.Minute)},
		"an exp 61 minutes after nbf":  {"exp": at(31 * time.Minute), "nbf": at(-30*time.Minute - time.Second)},
		"no iat":                       {"iat": nil},
		"an iat in the future":         {"iat": at(10 * time.Minute)},
		"no nbf":                       {"nbf": nil},
		"an nbf in 10 minutes":         {"nbf": at(10 * time.Minute)},
		"an nbf 70 minutes ago":        {"nbf": at(-70 * time.Minute), "exp": at(-time.Second)},
		"an nbf 70 minutes ago, alive": {"nbf": at(-70 * time.Minute)},
		"no jti":                       {"jti": nil},
		"a jti that is a number":       {"jti": 1},
		"a long jti":                   {"jti": strings.Repeat("j", 257)},
		"the client as sub":            {"sub": "signing"},
		"a request inside":             {"request": "a.b.c"},
		"two hints":                    {"login_hint_token": "a.b.c"},
		"no hint":                      {"login_hint": nil},
		"a scope that is a number":     {"scope": 1.5},
		"a list of hints":              {"login_hint": []string{"ada"}},
		"a negative expiry":            {"requested_expiry": -1},
	} {
		if got := c.Begin(c.Sign(c.Claims(claims))); got.Status != http.StatusBadRequest || got.JSON(t)["error"] != "invalid_request" {
			t.Errorf("%s: %d %s", name, got.Status, got.Body)
		}
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	servertest.Must(t, err)
	signed := func(alg jose.SignatureAlgorithm, with any, typ string) string {
		options := (&jose.SignerOptions{}).WithType(jose.ContentType(typ))
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: with}, options)
		servertest.Must(t, err)
		text, err := jwt.Signed(signer).Claims(c.Claims(nil)).Serialize()
		servertest.Must(t, err)
		return text
	}
	valid := c.Sign(c.Claims(nil))
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + strings.Split(valid, ".")[1] + "."
	for name, object := range map[string]string{
		"alg none":                     none,
		"RS256":                        signed(jose.RS256, key, "JWT"),
		"PS256 of a client with ES256": signed(jose.PS256, key, "JWT"),
		"the key of another client":    other.Sign(c.Claims(nil)),
		"HS256 with the client_id":     signed(jose.HS256, []byte(strings.Repeat("signing", 8)), "JWT"),
		"typ of an access token":       signed(jose.ES256, c.Key, "at+jwt"),
		"typ of a DPoP proof":          signed(jose.ES256, c.Key, "dpop+jwt"),
		"a changed signature":          valid[:len(valid)-4] + "AAAA",
		"a client assertion":           c.Authenticated(servertest.Form()).Get("client_assertion"),
		"more than 16 KiB":             c.Sign(c.Claims(servertest.Object{"more": strings.Repeat("m", 20<<10)})),
		"nested deeper than an object": c.Sign(c.Claims(servertest.Object{"more": nested(40)})),
		"no JWT":                       "x",
	} {
		if got := c.Begin(object); got.Status != http.StatusBadRequest || got.JSON(t)["error"] != "invalid_request" {
			t.Errorf("%s: %d %s", name, got.Status, got.Body)
		}
	}
	servertest.WantError(t, s.PostForm("/oauth2/ciba", servertest.Form("client_id", "signing", "request", valid)), 401, "invalid_client")
	if p := c.Begin(valid); p.Status != http.StatusOK { // none of the above has spent it
		t.Errorf("a valid request: %d %s", p.Status, p.Body)
	}
}

// nested returns lists within lists.
func nested(depth int) any {
	if depth == 0 {
		return nil
	}
	return []any{nested(depth - 1)}
}

// One jti counts once, at any replica.
func TestSignedRequestIsSpentOnce(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := servertest.Start(t, storetest.Open(t, url), map[string]string{"rate_limits": "off"})
		c := servertest.AddBackchannelSigner(s, "signing", nil)
		object := c.Sign(c.Claims(nil))
		var wait sync.WaitGroup
		statuses := make(chan int, 12)
		for range cap(statuses) {
			form := c.Authenticated(servertest.Form("request", object))
			wait.Go(func() { statuses <- s.PostForm("/oauth2/ciba", form).Status })
		}
		wait.Wait()
		close(statuses)
		count := 0
		for status := range statuses {
			if status == http.StatusOK {
				count++
			}
		}
		if count != 1 {
			t.Errorf("%d requests with one jti are accepted, want 1", count)
		}
	})
}

// A proof of possession binds the tokens, and a client that registered it must send one.
//
// Spec: RFC 9449 §5, FAPI-CIBA §5.2.2.
func TestTokensAreBoundToAKey(t *testing.T) {
	eachServer(t, nil, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		c := servertest.AddBackchannelSigner(s.Server, "signing", servertest.Object{"dpop_bound_access_tokens": true})
		id := servertest.Text(c.Begin(c.Sign(c.Claims(nil))).JSON(t)["auth_req_id"])
		decide(s, id, "accept", "")
		servertest.WantError(t, c.Poll(id), 400, "invalid_dpop_proof")
		key := servertest.NewDPoPKey(s.Server)
		tokens := key.PostForm("/oauth2/token", c.Authenticated(servertest.Form("grant_type", servertest.CIBAGrant, "auth_req_id", id))).JSON(t)
		servertest.WantMembers(t, tokens, servertest.Object{"token_type": "DPoP"})
		servertest.WantMembers(t, servertest.Claims(t, tokens["access_token"]), servertest.Object{"cnf": map[string]any{"jkt": key.Thumbprint()}})
	})
}
