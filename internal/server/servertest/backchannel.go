package servertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// CIBAGrant is the grant type of backchannel authentication.
const CIBAGrant = "urn:openid:params:grant-type:ciba"

// AddBackchannelClients adds the clients bank, which has a secret, and other, for backchannel
// authentication.
func AddBackchannelClients(s *Server) {
	s.TB.Helper()
	for _, id := range []string{"bank", "other"} {
		s.ImportClient(`{"client_id": "` + id + `", "client_name": "First Bank", "client_secret": "` + OtherSecret + `", "token_endpoint_auth_method": "client_secret_post",
			"grant_types": ["` + CIBAGrant + `", "refresh_token"], "scope": "openid email offline_access api", "audience": ["https://api.example"],
			"id_token_signed_response_alg": "ES256"}`)
	}
}

// BackchannelForm returns a backchannel authentication request of the client bank for ada, changed by
// pairs of names and values; an empty value removes the parameter.
func BackchannelForm(changes ...string) url.Values {
	form := Form("client_id", "bank", "client_secret", OtherSecret, "scope", "openid", "login_hint", "ada", "binding_message", "1234")
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
		if changes[i+1] == "" {
			form.Del(changes[i])
		}
	}
	return form
}

// BeginBackchannel sends a request and returns its auth_req_id. The test stops if it is rejected.
func BeginBackchannel(s *Server, form url.Values) string {
	s.TB.Helper()
	p := s.PostForm("/oauth2/ciba", form)
	id := Text(p.JSON(s.TB)["auth_req_id"])
	if p.Status != http.StatusOK || id == "" {
		s.TB.Fatalf("backchannel authentication: %d %s", p.Status, p.Body)
	}
	return id
}

// PollBackchannel sends a token request of the client bank for an auth_req_id, after the interval.
func PollBackchannel(s *Server, authReqID string, changes ...string) Response {
	s.TB.Helper()
	s.Advance(5 * time.Second)
	return s.PostForm("/oauth2/token", BackchannelForm(append([]string{
		"grant_type", CIBAGrant, "auth_req_id", authReqID, "scope", "", "login_hint", "", "binding_message", "",
	}, changes...)...))
}

// BackchannelSigner is a client that signs its backchannel authentication requests.
type BackchannelSigner struct {
	ID  string
	Key *ecdsa.PrivateKey

	server *Server
}

// AddBackchannelSigner adds a client that signs requests and authenticates with private_key_jwt. Members
// are added to its metadata.
func AddBackchannelSigner(s *Server, id string, members Object) *BackchannelSigner {
	s.TB.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.TB.Fatal(err)
	}
	metadata := Object{
		"client_id": id, "client_name": "Signing Bank", "token_endpoint_auth_method": "private_key_jwt", "grant_types": []string{CIBAGrant, "refresh_token"},
		"scope": "openid email offline_access", "id_token_signed_response_alg": "ES256", "backchannel_authentication_request_signing_alg": "ES256",
		"jwks": jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}},
	}
	maps.Copy(metadata, members)
	text, err := json.Marshal(metadata)
	if err != nil {
		s.TB.Fatal(err)
	}
	s.ImportClient(string(text))
	return &BackchannelSigner{id, key, s}
}

// Sign signs claims.
func (c *BackchannelSigner) Sign(claims Object) string {
	c.server.TB.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: c.Key, KeyID: "k"}}, nil)
	if err != nil {
		c.server.TB.Fatal(err)
	}
	signed, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		c.server.TB.Fatal(err)
	}
	return signed
}

// Claims returns the claims of a valid request object for ada, changed by others; a nil value removes
// the claim.
func (c *BackchannelSigner) Claims(others Object) Object {
	now := c.server.Time()
	claims := Object{
		"iss": c.ID, "aud": c.server.URL, "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "jti": rand.Text(),
		"scope": "openid", "login_hint": "ada", "binding_message": "1234",
	}
	for name, value := range others {
		claims[name] = value
		if value == nil {
			delete(claims, name)
		}
	}
	return claims
}

// Authenticated returns form with a new client assertion.
func (c *BackchannelSigner) Authenticated(form url.Values) url.Values {
	now := c.server.Time()
	form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	form.Set("client_assertion", c.Sign(Object{
		"iss": c.ID, "sub": c.ID, "aud": c.server.URL, "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}))
	form.Set("client_id", c.ID)
	return form
}

// Begin sends a signed request.
func (c *BackchannelSigner) Begin(object string, others ...string) Response {
	c.server.TB.Helper()
	return c.server.PostForm("/oauth2/ciba", c.Authenticated(Form(append([]string{"request", object}, others...)...)))
}

// Poll sends a token request after the interval.
func (c *BackchannelSigner) Poll(authReqID string) Response {
	c.server.TB.Helper()
	c.server.Advance(5 * time.Second)
	return c.server.PostForm("/oauth2/token", c.Authenticated(Form("grant_type", CIBAGrant, "auth_req_id", authReqID)))
}
