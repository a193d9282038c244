package tokens

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/apiresource"
	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/dpop"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/pkg/resource"
)

// typeAccessToken is the typ header of access tokens.
//
// Spec: RFC 9068 §2.1.
const typeAccessToken = "at+jwt"

// AccessClaims are the claims of an access token, signed or sealed. Grant locates the grant
// under which the token is active, Trust names the trusted issuer whose assertion it was
// issued for; a token that a client got for itself has neither.
//
// Spec: RFC 9068 §2.2.
type AccessClaims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience []string `json:"aud"`
	ClientID string   `json:"client_id"`
	Expiry   int64    `json:"exp"`
	IssuedAt int64    `json:"iat"`
	ID       string   `json:"jti"`
	Scope    string   `json:"scope,omitempty"`
	// ScopeList holds the scopes for resource servers that expect an array.
	ScopeList []string `json:"scp,omitempty"`
	AuthTime  int64    `json:"auth_time,omitempty"`
	ACR       string   `json:"acr,omitempty"`
	AMR       []string `json:"amr,omitempty"`
	Grant     string   `json:"gid,omitempty"`
	Trust     string   `json:"trust,omitempty"`
	// Confirmation is the sender constraint of the token.
	Confirmation grant.Confirmation `json:"cnf,omitzero"`
	// Details are the granted authorization details.
	//
	// Spec: RFC 9396 §9.1.
	Details detail.List `json:"authorization_details,omitempty"`
	// Actor acts on behalf of the subject, and MayAct names who may. Sources are the tokens that an
	// exchanged token came from.
	Actor   *grant.Actor    `json:"act,omitempty"`
	MayAct  json.RawMessage `json:"may_act,omitempty"`
	Sources []SourceClaim   `json:"ost_src,omitempty"`
	// Extra holds claims that the operator's consent app or a hook added.
	Extra json.RawMessage `json:"ext,omitempty"`
}

// TypeFor returns the type of a token with a sender constraint: that of a token that is bound to a
// certificate is Bearer.
//
// Spec: RFC 8705 §3, RFC 9449 §5.
func TypeFor(sender grant.Confirmation) string {
	if sender.JKT != "" {
		return dpop.Scheme
	}
	return "Bearer"
}

// TokenType returns the type of the token, which is also the scheme with which it is presented.
//
// Spec: RFC 6750 §2.1, RFC 9449 §5, §7.1.
func (c *AccessClaims) TokenType() string {
	return TypeFor(c.Confirmation)
}

// resourceToken returns the token as resources see it.
func (c *AccessClaims) resourceToken() *resource.Token {
	seen := &resource.Token{
		Issuer: c.Issuer, Subject: c.Subject, ClientID: c.ClientID, ID: c.ID, Audience: c.Audience, Scopes: strings.Fields(c.Scope),
		IssuedAt: time.Unix(c.IssuedAt, 0), Expiry: time.Unix(c.Expiry, 0), ACR: c.ACR, AMR: c.AMR,
		Confirmation: resource.Confirmation{JKT: c.Confirmation.JKT, X5T: c.Confirmation.X5T},
	}
	if c.AuthTime != 0 {
		seen.AuthTime = time.Unix(c.AuthTime, 0)
	}
	return seen
}

// AccessToken issues an access token and returns its lifetime. Its resources, if they are declared,
// decide about its scopes, format, algorithm and lifetime.
//
// Spec: RFC 9068 §2, RFC 8707 §2.
func (i *Issuer) AccessToken(ctx context.Context, r *Request) (token string, expiresIn time.Duration, err error) {
	policy, err := r.Registered.Resources().PolicyOf(r.Access.Resources)
	if err != nil {
		return "", 0, fmt.Errorf("issue access token: %w", err)
	}
	access := r.Registered.InToken(r.Access)
	expiry := i.expiry(r, policy.Lifetime)
	claims := i.accessClaims(r, access, expiry)
	expiresIn = expiry.Sub(r.Now)
	if i.isOpaque(policy.Format, r.Client.AccessTokenStrategy) && (r.Exchange == nil || !r.Exchange.JWT) {
		body, err := json.Marshal(claims)
		if err != nil {
			return "", 0, fmt.Errorf("encode access token: %w", err)
		}
		return i.Sealer.Seal(body), expiresIn, nil
	}
	released, err := i.accessTokenClaims(ctx, r, access)
	if err != nil {
		return "", 0, err
	}
	encoded, err := i.ClaimStyle.encode(&claims, released)
	if err != nil {
		return "", 0, err
	}
	if token, err = i.Signer.SignClaims(ctx, jwks.Algorithm(cmp.Or(policy.Alg, string(i.AccessTokenAlg))), typeAccessToken, encoded); err != nil {
		return "", 0, fmt.Errorf("sign access token: %w", err)
	}
	return token, expiresIn, nil
}

func (i *Issuer) accessClaims(r *Request, access scope.Access, expiry time.Time) AccessClaims {
	claims := AccessClaims{
		Issuer:   i.Issuer,
		Audience: i.audience(r, access),
		ClientID: r.Client.ID,
		Subject:  r.Client.ID,
		IssuedAt: r.Now.Unix(),
		Expiry:   expiry.Unix(),
		ID:       newTokenID(r.Now),
		Scope:    strings.Join(access.Scopes, " "),
		Extra:    r.ExtraClaims.AccessToken,
		Details:  access.Details,

		Confirmation: r.Sender,
	}
	switch g := r.Grant; {
	case g != nil:
		claims.Subject = g.SubjectFor(i.Subjects.Of(r.Client, g.Subject))
		claims.Extra = g.Authorization.ExtraClaims.AccessToken
		claims.AuthTime, claims.ACR, claims.AMR = g.Authorization.AuthTime, g.Authorization.ACR, g.Authorization.AMR
		claims.Grant = encodeLocator(g.Locator)
	case r.Trust != nil:
		claims.Subject, claims.Trust = r.Subject, r.Trust.ID
	case r.Exchange != nil:
		claims.Subject = r.Subject
	}
	if r.Exchange != nil {
		claims.Actor, claims.Sources = r.Exchange.Actor, sourceClaims(r.Exchange.Sources)
	}
	claims.Extra, claims.MayAct = cutMayAct(claims.Extra)
	return claims
}

// audience returns the requested resources, with the issuer if there are none, or if the
// userinfo endpoint accepts the token.
//
// Spec: RFC 9068 §3.
func (i *Issuer) audience(r *Request, access scope.Access) []string {
	resources := access.Resources
	ours := len(resources) == 0 || r.Grant != nil && slices.Contains(access.Scopes, oauth2.ScopeOpenID)
	if !ours || slices.Contains(resources, i.Issuer) {
		return resources
	}
	return append(slices.Clone(resources), i.Issuer)
}

// isOpaque reports whether a token is opaque: its resource decides, then its client, then the server.
func (i *Issuer) isOpaque(ofResource, ofClient string) bool {
	switch cmp.Or(ofResource, ofClient) {
	case apiresource.FormatOpaque:
		return true
	case apiresource.FormatJWT:
		return false
	default:
		return i.OpaqueAccessToken
	}
}

// expiry returns when the access token of r ends: no later than its grant says, by which it
// is found and kept, or than the trusted issuer whose assertion it was issued for.
func (i *Issuer) expiry(r *Request, declared time.Duration) time.Time {
	end := r.Now.Add(i.Lifetimes.AccessOf(r.Client, r.GrantType, declared))
	if r.Exchange != nil {
		end = earliest(end, r.Exchange.Until)
	}
	switch {
	case r.Grant != nil:
		return earliest(end, r.Grant.EndsAt, r.Grant.TokensUntil)
	case r.Trust != nil:
		return earliest(end, r.Trust.ExpiresAt)
	default:
		return end
	}
}

// earliest returns the earliest of end and those of bounds that are set.
func earliest(end time.Time, bounds ...time.Time) time.Time {
	for _, bound := range bounds {
		if !bound.IsZero() && bound.Before(end) {
			end = bound
		}
	}
	return end
}

// accessTokenClaims returns the claims about the user for a signed access token.
//
// Spec: RFC 9068 §2.2.2, §2.2.3.
func (i *Issuer) accessTokenClaims(ctx context.Context, r *Request, access scope.Access) (map[string]any, error) {
	if r.Grant == nil || !r.Registered.ReleasesIn(access, scope.AccessToken) {
		return nil, nil
	}
	account, err := r.Registered.AccountClaims(r.Grant)
	if err != nil {
		return nil, err
	}
	claims := r.Registered.ByScope(account, access, scope.AccessToken)
	i.shorten(ctx, r, "access token", claims)
	return claims, nil
}

// newTokenID returns a jti: the time of issue in microseconds and 96 random bits. iat has
// whole seconds, too coarse to compare a token with the time at which the tokens of
// a client were revoked.
func newTokenID(now time.Time) string {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 20), uint64(now.UnixMicro()))
	b = b[:20]
	_, _ = rand.Read(b[8:]) // never fails: crypto/rand ends the process instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// tokenTime returns the time of issue in a jti, or [ErrMalformed].
func tokenTime(id string) (time.Time, error) {
	b, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil || len(b) != 20 {
		return time.Time{}, ErrMalformed
	}
	return time.UnixMicro(int64(binary.BigEndian.Uint64(b))), nil //nolint:gosec // written by newTokenID
}

// encodeLocator returns the claim gid.
func encodeLocator(at grant.Locator) string {
	b := binary.BigEndian.AppendUint32(nil, uint32(at.Partition))
	return base64.RawURLEncoding.EncodeToString(append(b, at.ID[:]...))
}

// decodeLocator reads the claim gid. It returns [ErrMalformed] for anything that
// encodeLocator does not write.
func decodeLocator(s string) (grant.Locator, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != 20 {
		return grant.Locator{}, ErrMalformed
	}
	return grant.Locator{Partition: grant.Partition(binary.BigEndian.Uint32(b)), ID: grant.ID(b[4:])}, nil
}
