package servertest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// ProfiledID is the client of [NewProfiledClient].
const ProfiledID = "fapi"

// ProfiledClient is a confidential client of a security profile, which signs its assertions and requests,
// and whose access tokens are bound to a DPoP key.
type ProfiledClient struct {
	*DPoPKey

	server *Server
	ec     *ecdsa.PrivateKey
	rsa    *rsa.PrivateKey
}

// NewProfiledClient adds a client with a security profile, whose metadata has more, to s.
func NewProfiledClient(s *Server, profile string, more Object) *ProfiledClient {
	s.TB.Helper()
	c := &ProfiledClient{DPoPKey: NewDPoPKey(s), server: s}
	var err error
	if c.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err == nil {
		c.rsa, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		s.TB.Fatal(err)
	}
	metadata := Object{
		"client_id": ProfiledID, "token_endpoint_auth_method": "private_key_jwt", "security_profile": profile, "redirect_uris": []string{RedirectURI},
		"grant_types": []string{"authorization_code", "refresh_token", "client_credentials"}, "response_types": []string{"code"}, "scope": "openid offline_access",
		"skip_consent": true, "dpop_bound_access_tokens": true, "id_token_signed_response_alg": "ES256",
		"jwks": jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: c.ec.Public(), KeyID: "ec", Use: "sig"}, {Key: c.rsa.Public(), KeyID: "rsa", Use: "sig"}}},
	}
	maps.Copy(metadata, more)
	ImportClientObject(s, metadata)
	return c
}

// At returns the client at a replica of its server.
func (c *ProfiledClient) At(replica *Server) *ProfiledClient {
	moved := *c
	moved.server, moved.DPoPKey = replica, NewDPoPKey(replica)
	return &moved
}

// Sign returns a JWT with claims, signed by a key of the client.
func (c *ProfiledClient) Sign(alg jose.SignatureAlgorithm, typ string, claims Object) string {
	c.server.TB.Helper()
	key, kid := crypto.Signer(c.rsa), "rsa"
	if alg == jose.ES256 {
		key, kid = c.ec, "ec"
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		c.server.TB.Fatal(err)
	}
	signed, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		c.server.TB.Fatal(err)
	}
	return signed
}

// Authenticated returns form with a new assertion, signed with alg; changes replace its claims.
func (c *ProfiledClient) Authenticated(alg jose.SignatureAlgorithm, form url.Values, changes Object) url.Values {
	c.server.TB.Helper()
	now := c.server.Time()
	claims := Object{"iss": ProfiledID, "sub": ProfiledID, "aud": c.server.URL, "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}
	maps.Copy(claims, changes)
	form = maps.Clone(form)
	form.Set("client_id", ProfiledID)
	form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	form.Set("client_assertion", c.Sign(alg, "client-authentication+jwt", claims))
	return form
}

// Request returns the parameters of an authorization request; changes are pairs of names and values.
func (c *ProfiledClient) Request(changes ...string) url.Values {
	return AuthorizationRequest(append([]string{"client_id", ProfiledID, "scope", "openid offline_access", "resource", ""}, changes...)...)
}

// Object returns the parameters of a request as a request object, signed with alg; changes replace its
// claims, and remove those that are nil.
func (c *ProfiledClient) Object(alg jose.SignatureAlgorithm, form url.Values, changes Object) url.Values {
	c.server.TB.Helper()
	now := c.server.Time()
	claims := Object{"iss": ProfiledID, "aud": c.server.URL, "nbf": now.Unix(), "exp": now.Add(5 * time.Minute).Unix()}
	for name, values := range form {
		if len(values) > 0 && values[0] != "" {
			claims[name] = values[0]
		}
	}
	for name, value := range changes {
		claims[name] = value
		if value == nil {
			delete(claims, name)
		}
	}
	return url.Values{"client_id": {ProfiledID}, "request": {c.Sign(alg, "oauth-authz-req+jwt", claims)}}
}

// Push pushes a request.
func (c *ProfiledClient) Push(form url.Values) Response {
	c.server.TB.Helper()
	return c.server.PostForm("/oauth2/par", c.Authenticated(jose.ES256, form, nil))
}

// Pushed returns the authorization request for a request that it pushes.
func (c *ProfiledClient) Pushed(form url.Values) url.Values {
	c.server.TB.Helper()
	p := c.Push(form)
	if p.Status != http.StatusCreated {
		c.server.TB.Fatalf("push: %d %s", p.Status, p.Body)
	}
	return url.Values{"client_id": {ProfiledID}, "request_uri": {Text(p.JSON(c.server.TB)["request_uri"])}}
}

// Token sends a token request with a proof of the key.
func (c *ProfiledClient) Token(form url.Values) Response {
	c.server.TB.Helper()
	return c.PostForm("/oauth2/token", c.Authenticated(jose.ES256, form, nil))
}

// RSAProof returns a DPoP proof of an RSA key, signed with alg, for a request with an access token or, if
// it is empty, to the authorization server.
func (c *ProfiledClient) RSAProof(alg jose.SignatureAlgorithm, method, path, accessToken string) string {
	c.server.TB.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: c.rsa}, (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	if err != nil {
		c.server.TB.Fatal(err)
	}
	claims := Object{"jti": rand.Text(), "htm": method, "htu": c.server.URL + path, "iat": c.server.Time().Unix()}
	if accessToken != "" {
		sum := sha256.Sum256([]byte(accessToken))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	proof, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		c.server.TB.Fatal(err)
	}
	return proof
}
