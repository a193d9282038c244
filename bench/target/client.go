package target

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// Kind is the purpose of a client.
type Kind string

// The clients that the flows need.
const (
	// Machine uses client_credentials with a secret, and JWT access tokens.
	Machine Kind = "machine"
	// Opaque is Machine with opaque access tokens.
	Opaque Kind = "sealed"
	// Keyed is Machine with private_key_jwt in place of a secret.
	Keyed Kind = "keyed"
	// KeyedOpaque is Keyed with opaque access tokens.
	KeyedOpaque Kind = "keyed_sealed"
	// Web uses the code flow and the server's default for access tokens.
	Web Kind = "web"
	// Exchanger exchanges the access tokens of Web. Only an operator can register it.
	Exchanger Kind = "exchanger"
)

// Kinds returns all kinds.
func Kinds() []Kind { return []Kind{Machine, Opaque, Keyed, KeyedOpaque, Web, Exchanger} }

const (
	// RedirectURI is the redirect URI of the Web client. No server listens there.
	RedirectURI = "https://client.example/callback"
	// Scope is the scope of the Web client.
	Scope = "openid offline_access"
	// ExchangeGrant is the grant type of token exchange (RFC 8693).
	ExchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange"
	// machineScope is the scope of the other clients, if the server registered it.
	machineScope = "read"
)

// Client is a client of the server.
type Client struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
	// Scope is the registered scope.
	Scope string `json:"scope"`
	// Key signs the assertions of private_key_jwt.
	Key *ecdsa.PrivateKey `json:"-"`
}

// Metadata returns the client metadata of a registration with an issuer (RFC 7591 section 2), with
// the member access_token_strategy of Ostiary and Ory Hydra.
func (k Kind) Metadata(c *Client, issuer, idTokenAlg string) map[string]any {
	m := map[string]any{
		"client_name": "Load " + string(k), "grant_types": []string{"client_credentials"}, "response_types": []string{},
		"token_endpoint_auth_method": "client_secret_basic", "scope": machineScope,
	}
	switch k {
	case Machine, Keyed:
		m["access_token_strategy"] = "jwt"
	case Opaque, KeyedOpaque:
		m["access_token_strategy"] = "opaque"
	case Exchanger:
		maps.Copy(m, map[string]any{
			"grant_types": []string{ExchangeGrant}, "scope": Scope,
			"token_exchange": map[string]any{"subject_clients": []string{"*"}, "subject_audiences": []string{issuer}, "audiences": []string{"https://next.example"}},
		})
	case Web:
		maps.Copy(m, map[string]any{
			"grant_types":   []string{"authorization_code", "refresh_token"},
			"redirect_uris": []string{RedirectURI}, "response_types": []string{"code"}, "scope": Scope,
			"id_token_signed_response_alg": idTokenAlg,
		})
	}
	if c.Key != nil {
		m["token_endpoint_auth_method"] = "private_key_jwt"
		m["token_endpoint_auth_signing_alg"] = "ES256"
		m["jwks"] = map[string]any{"keys": []any{publicJWK(c.Key)}}
	}
	return m
}

// GrantForm returns the form of a client_credentials request (RFC 6749 section
// 4.4.2), without the client's credentials.
func (c *Client) GrantForm() string {
	const form = "grant_type=client_credentials"
	if !slices.Contains(strings.Fields(c.Scope), machineScope) {
		return form // the server did not register the scope
	}
	return form + "&scope=" + machineScope
}

// NewClient returns a client that is not registered yet, with a new key if its kind
// requires one.
func (k Kind) NewClient() (*Client, error) {
	c := &Client{}
	if k != Keyed && k != KeyedOpaque {
		return c, nil
	}
	var err error
	if c.Key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, fmt.Errorf("generate a client's key: %w", err)
	}
	return c, nil
}

// register registers a client (RFC 7591 section 3).
func (t *Target) register(ctx context.Context, k Kind) (*Client, error) {
	if t.Endpoints.Registration == "" {
		return nil, errors.New("the server has no registration endpoint")
	}
	c, err := k.NewClient()
	if err != nil {
		return nil, err
	}
	document, err := json.Marshal(k.Metadata(c, t.Endpoints.Issuer, t.idTokenAlg))
	if err != nil {
		return nil, fmt.Errorf("write metadata: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.Endpoints.Registration, bytes.NewReader(document))
	if err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	defer response.Body.Close() //nolint:errcheck // only read
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	if response.StatusCode != http.StatusCreated {
		return nil, fmt.Errorf("register: %d %s", response.StatusCode, body)
	}
	if err := json.Unmarshal(body, c); err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	return c, nil
}

// keyID is the kid of a client's key.
const keyID = "load"

func publicJWK(key *ecdsa.PrivateKey) jose.JSONWebKey {
	return jose.JSONWebKey{Key: &key.PublicKey, KeyID: keyID, Algorithm: string(jose.ES256), Use: "sig"}
}
