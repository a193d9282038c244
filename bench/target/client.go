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

// Kind says what a client is for.
type Kind string

// The clients that the flows need.
const (
	// Machine gets JWT access tokens for itself, by its secret.
	Machine Kind = "machine"
	// Sealed is Machine with opaque access tokens.
	Sealed Kind = "sealed"
	// Keyed is Machine with private_key_jwt.
	Keyed Kind = "keyed"
	// KeyedSealed is Keyed with opaque access tokens.
	KeyedSealed Kind = "keyed_sealed"
	// Web sends people to sign in. Its access tokens are the server's default.
	Web Kind = "web"
)

// Kinds lists them.
func Kinds() []Kind { return []Kind{Machine, Sealed, Keyed, KeyedSealed, Web} }

const (
	// RedirectURI is where people are sent back to; nobody listens there.
	RedirectURI = "https://client.example/callback"
	// Scope is what the Web client asks for.
	Scope = "openid offline_access"
	// machineScope is what the others ask for, where they may.
	machineScope = "read"
)

// Client is a client of the server.
type Client struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
	// Scope is what it may ask for, as it was registered.
	Scope string `json:"scope"`
	// Key signs the assertions of private_key_jwt.
	Key *ecdsa.PrivateKey `json:"-"`
}

// Metadata is the registration of a kind of client (RFC 7591 section 2), with the
// member access_token_strategy that Ostiary and Ory Hydra know.
func (k Kind) Metadata(c *Client, idTokenAlg string) map[string]any {
	m := map[string]any{
		"client_name": "Load " + string(k), "grant_types": []string{"client_credentials"}, "response_types": []string{},
		"token_endpoint_auth_method": "client_secret_basic", "scope": machineScope,
	}
	switch k {
	case Machine, Keyed:
		m["access_token_strategy"] = "jwt"
	case Sealed, KeyedSealed:
		m["access_token_strategy"] = "opaque"
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

// Grant is the form of a client_credentials request (RFC 6749 section 4.4.2),
// without the client's credentials.
func (c *Client) Grant() string {
	const form = "grant_type=client_credentials"
	if !slices.Contains(strings.Fields(c.Scope), machineScope) {
		return form // not every server lets a client choose its scope
	}
	return form + "&scope=" + machineScope
}

// NewClient returns a client that nobody knows yet: with a key, if its kind has one.
func (k Kind) NewClient() (*Client, error) {
	c := &Client{}
	if k != Keyed && k != KeyedSealed {
		return c, nil
	}
	var err error
	if c.Key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, fmt.Errorf("make a client's key: %w", err)
	}
	return c, nil
}

// register makes a client known to the server (RFC 7591 section 3).
func (t *Target) register(ctx context.Context, k Kind) (*Client, error) {
	if t.Endpoints.Registration == "" {
		return nil, errors.New("the server has no registration endpoint")
	}
	c, err := k.NewClient()
	if err != nil {
		return nil, err
	}
	document, err := json.Marshal(k.Metadata(c, t.idTokenAlg))
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

// keyID is what a client calls its one key.
const keyID = "load"

func publicJWK(key *ecdsa.PrivateKey) jose.JSONWebKey {
	return jose.JSONWebKey{Key: &key.PublicKey, KeyID: keyID, Algorithm: string(jose.ES256), Use: "sig"}
}
