package rig

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"time"
)

// Client is a client of the server.
type Client struct {
	ID          string
	Secret      string // of a confidential client without a key
	RedirectURI string // empty for a client without users
	Scope       string
	Method      string // token_endpoint_auth_method
	Key         *ecdsa.PrivateKey
	Metadata    map[string]any // additional client metadata
}

// Clients has one client of each type.
type Clients struct {
	Web     Client // confidential, client_secret_basic, refresh
	Post    Client // confidential, client_secret_post, refresh, PKCE not required
	Native  Client // public, PKCE, a loopback redirect
	Keyed   Client // private_key_jwt with ES256
	Trusted Client // like Web, without a consent page
	Machine Client // client_credentials with JWT access tokens
	Opaque  Client // client_credentials with opaque access tokens
}

// All returns all clients, for [ImportClients].
func (c *Clients) All() []Client {
	return []Client{c.Web, c.Post, c.Native, c.Keyed, c.Trusted, c.Machine, c.Opaque}
}

// StandardClients returns a client of each type, with new secrets.
func StandardClients() Clients {
	const scope = "openid profile email offline_access"
	const redirect = "https://client.example/callback"
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // crypto/rand never returns an error
	}
	user := func(id, method string) Client {
		return Client{ID: id, Secret: randomText(), RedirectURI: redirect, Scope: scope, Method: method, Metadata: map[string]any{
			"grant_types": []string{"authorization_code", "refresh_token"},
		}}
	}
	machine := func(id, strategy string) Client {
		return Client{ID: id, Secret: randomText(), Scope: "read write", Method: "client_secret_basic", Metadata: map[string]any{
			"grant_types": []string{"client_credentials"}, "response_types": []string{}, "access_token_strategy": strategy,
		}}
	}
	c := Clients{
		Web: user("web", "client_secret_basic"), Post: user("post", "client_secret_post"),
		Native: user("native", "none"), Keyed: user("keyed", "private_key_jwt"), Trusted: user("trusted", "client_secret_basic"),
		Machine: machine("machine", "jwt"), Opaque: machine("sealed", "opaque"),
	}
	c.Native.Secret, c.Native.RedirectURI = "", "http://127.0.0.1/callback"
	c.Native.Metadata["application_type"] = "native"
	c.Keyed.Secret, c.Keyed.Key = "", key
	c.Keyed.Metadata["jwks"] = map[string]any{"keys": []any{publicJWK("keyed", key)}}
	c.Keyed.Metadata["token_endpoint_auth_signing_alg"] = "ES256"
	c.Trusted.Metadata["skip_consent"] = true
	return c
}

// registration returns the client's entry for an import.
func (c *Client) registration() map[string]any {
	entry := map[string]any{
		"client_id": c.ID, "client_name": "Client " + c.ID, "scope": c.Scope, "token_endpoint_auth_method": c.Method,
	}
	if c.Secret != "" {
		entry["client_secret"] = c.Secret
	}
	if c.RedirectURI != "" {
		entry["redirect_uris"] = []string{c.RedirectURI}
	}
	maps.Copy(entry, c.Metadata)
	return entry
}

// authenticate adds the client's credentials to a request.
func (c *Client) authenticate(form url.Values, header http.Header, issuer string) error {
	switch c.Method {
	case "client_secret_basic":
		credentials := url.QueryEscape(c.ID) + ":" + url.QueryEscape(c.Secret)
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(credentials)))
	case "client_secret_post":
		form.Set("client_id", c.ID)
		form.Set("client_secret", c.Secret)
	case "private_key_jwt":
		assertion, err := c.Assertion(issuer)
		if err != nil {
			return err
		}
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion)
	default:
		form.Set("client_id", c.ID)
	}
	return nil
}

// Assertion returns a new client assertion (RFC 7523 section 2.2).
func (c *Client) Assertion(issuer string) (string, error) {
	now := time.Now() //nolint:forbidigo // the client has its own clock
	header, err := json.Marshal(map[string]any{"alg": "ES256", "kid": c.ID})
	if err != nil {
		return "", fmt.Errorf("write assertion: %w", err)
	}
	claims, err := json.Marshal(map[string]any{
		"iss": c.ID, "sub": c.ID, "aud": issuer, "jti": randomText(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	})
	if err != nil {
		return "", fmt.Errorf("write assertion: %w", err)
	}
	signed := encode(header) + "." + encode(claims)
	hash := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, c.Key, hash[:])
	if err != nil {
		return "", fmt.Errorf("sign assertion: %w", err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + encode(signature), nil
}

func publicJWK(id string, key *ecdsa.PrivateKey) map[string]any {
	point, err := key.PublicKey.Bytes()
	if err != nil {
		panic(err) // a generated key is on its curve
	}
	return map[string]any{
		"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": id,
		"x": encode(point[1:33]), "y": encode(point[33:]),
	}
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// randomText returns 256 random bits.
func randomText() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // crypto/rand never returns an error
	return encode(b)
}
