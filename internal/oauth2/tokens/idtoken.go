package tokens

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/scope"
)

// IDTokenHashes are the values that are sent with an ID token and bound to it by hashes.
// Empty ones are not sent.
type IDTokenHashes struct{ Code, AccessToken, State string }

// IDToken returns the ID token for the grant of r, signed, and encrypted if the client
// registered that.
//
// Spec: OpenID Connect Core §2, §10.2.
func (i *Issuer) IDToken(ctx context.Context, r *Request, hashes IDTokenHashes) (string, error) {
	claims, err := i.idTokenClaims(ctx, r, hashes)
	if err != nil {
		return "", err
	}
	token, err := i.Signer.SignClaims(ctx, idTokenAlg(r.Client), "JWT", claims)
	if err != nil {
		return "", fmt.Errorf("sign ID token: %w", err)
	}
	encryption := oauth2.Encryption{Alg: r.Client.IDTokenEncryptedResponseAlg, Enc: r.Client.IDTokenEncryptedResponseEnc, What: "ID token", Parameter: "id_token"}
	return encryption.Encrypt(ctx, i.Encrypter, r.Client, token)
}

func (i *Issuer) idTokenClaims(ctx context.Context, r *Request, hashes IDTokenHashes) (map[string]any, error) {
	authorization := r.Grant.Authorization
	claims, err := i.userClaims(ctx, r, hashes.isAlone())
	if err != nil {
		return nil, fmt.Errorf("select ID token claims: %w", err)
	}
	// The claims of the protocol are written last: no claim of the account replaces them.
	claims["iss"] = i.Issuer
	claims["sub"] = r.Grant.SubjectFor(i.Subjects.Of(r.Client, r.Grant.Subject))
	claims["aud"] = r.Client.ID
	claims["iat"] = r.Now.Unix()
	claims["exp"] = i.idTokenExpiry(r).Unix()
	claims["auth_time"] = authorization.AuthTime
	setText(claims, "acr", authorization.ACR)
	setText(claims, "sid", i.Subjects.Session(r.Client, r.Grant.SessionID))
	if len(authorization.AMR) > 0 {
		claims["amr"] = authorization.AMR
	}
	setText(claims, "nonce", r.Nonce)
	setText(claims, "urn:openid:params:jwt:claim:auth_req_id", r.AuthReqID) // CIBA Core section 10.3.1
	hashes.addTo(claims, idTokenAlg(r.Client))
	if r.Client.AllowsGrantType(client.GrantTokenExchange) {
		addLineage(claims, r)
	}
	return claims, nil
}

// addLineage adds the grant, and the tokens that an exchanged token came from, so that the ID token
// can be exchanged.
func addLineage(claims map[string]any, r *Request) {
	sources := []grant.Source{{Grant: r.Grant.Locator}}
	if r.Exchange != nil {
		sources = append(sources, r.Exchange.Sources...)
		if r.Exchange.Actor != nil {
			claims["act"] = r.Exchange.Actor
		}
	}
	claims[sourcesClaim] = sourceClaims(sources)
}

// idTokenExpiry returns when the ID token of r ends.
func (i *Issuer) idTokenExpiry(r *Request) time.Time {
	end := r.Now.Add(i.Lifetimes.ID(r.Client, r.GrantType))
	if r.Exchange != nil {
		return earliest(end, r.Exchange.Until)
	}
	return end
}

// isAlone reports whether the response has no code or access token, and so leads to no access to
// the userinfo endpoint.
//
// Spec: OpenID Connect Core §5.4.
func (h IDTokenHashes) isAlone() bool { return h.Code == "" && h.AccessToken == "" }

// addTo adds c_hash, at_hash and s_hash, by which the client detects that a value was
// replaced in the browser.
//
// Spec: OpenID Connect Core §3.1.3.6, §3.3.2.11; FAPI 1.0 Part 2 §5.1 (s_hash).
func (h IDTokenHashes) addTo(claims map[string]any, alg jwks.Algorithm) {
	if h.isAlone() {
		return
	}
	for _, hash := range [...]struct{ name, value string }{{"c_hash", h.Code}, {"at_hash", h.AccessToken}, {"s_hash", h.State}} {
		if hash.value != "" {
			claims[hash.name] = halfHash(alg, hash.value)
		}
	}
}

func setText(claims map[string]any, name, value string) {
	if value != "" {
		claims[name] = value
	}
}

func idTokenAlg(c *client.Client) jwks.Algorithm {
	if alg := c.IDTokenSignedResponseAlg; alg != "" {
		return jwks.Algorithm(alg)
	}
	return jwks.ES256
}

// halfHash returns the left half of the hash of value, by the hash function of the signature
// algorithm. Ed25519 uses SHA-512 internally.
//
// Spec: OpenID Connect Core §3.1.3.6.
func halfHash(alg jwks.Algorithm, value string) string {
	if alg == jwks.EdDSA {
		sum := sha512.Sum512([]byte(value))
		return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
	}
	sum := sha256.Sum256([]byte(value))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

// userClaims returns the claims about the user for an ID token: those requested by name, and
// those of the scopes if the token comes from the token endpoint or is sent alone. An ID
// token that passes the browser with an access token or code has no claims of scopes.
//
// Spec: OpenID Connect Core §5.4, §5.5.
func (i *Issuer) userClaims(ctx context.Context, r *Request, alone bool) (map[string]any, error) {
	account, err := r.Registered.AccountClaims(r.Grant)
	if err != nil {
		return nil, err
	}
	claims := map[string]any{}
	switch {
	case alone:
		claims = r.Registered.ByScope(account, r.Access, scope.IDToken)
	case i.hasScopeClaims(r):
		claims = r.Registered.ByScope(account, r.Access, scope.IDToken)
		i.shorten(ctx, r, "ID token", claims)
	}
	maps.Copy(claims, r.Registered.ByName(account, r.Access, scope.IDToken))
	return claims, scope.AddExtra(claims, r.Grant)
}

// hasScopeClaims reports whether an ID token of the token endpoint has the claims of the
// granted scopes.
func (i *Issuer) hasScopeClaims(r *Request) bool {
	if r.ThroughBrowser {
		return false
	}
	switch r.Client.IDTokenClaims {
	case client.IDTokenGranted:
		return true
	case client.IDTokenMinimal:
		return false
	default:
		return !i.MinimalIDToken
	}
}

// shorten removes claims that make a token too long for headers and cookies, and logs their
// names. The client gets them from the userinfo endpoint or by
// introspection.
func (i *Issuer) shorten(ctx context.Context, r *Request, token string, claims map[string]any) {
	removed := scope.Shorten(claims)
	if len(removed) == 0 {
		return
	}
	i.Log.LogAttrs(ctx, slog.LevelWarn, "claims left out of a token that would be too long", slog.String("token", token),
		slog.String("client_id", r.Client.ID), slog.String("subject", r.Grant.Subject), slog.Any("claims", removed))
}
