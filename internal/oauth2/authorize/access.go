package authorize

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/refusal"
)

// typeAccessToken is the typ header of access tokens (RFC 9068 section 2.1).
const typeAccessToken = "at+jwt"

// errInactive reports an access token that is not, or no longer, good.
var errInactive = errors.New("token is not active")

// accessClaims are the claims of an access token, signed (RFC 9068 section 2.2)
// or sealed. Grant names the row it lives and dies with, or Trust the one where an
// issuer was believed; both are absent in what a client got for itself.
type accessClaims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience []string `json:"aud"`
	ClientID string   `json:"client_id"`
	Expiry   int64    `json:"exp"`
	IssuedAt int64    `json:"iat"`
	ID       string   `json:"jti"`
	Scope    string   `json:"scope,omitempty"`
	// ScopeList says the same where services want an array.
	ScopeList []string `json:"scp,omitempty"`
	AuthTime  int64    `json:"auth_time,omitempty"`
	ACR       string   `json:"acr,omitempty"`
	AMR       []string `json:"amr,omitempty"`
	Grant     string   `json:"gid,omitempty"`
	Trust     string   `json:"trust,omitempty"`
	// Extra is what the operator's consent app wants services to know.
	Extra json.RawMessage `json:"ext,omitempty"`
}

// mint makes the access token of the unit and notes how long it lives.
func (h *Handler) mint(ctx context.Context, u *unit) (string, error) {
	if h.Hooks.has(u.way()) && !u.asked {
		return "", errUnasked
	}
	claims := accessClaims{
		Issuer:   h.Issuer,
		Audience: h.audience(u),
		ClientID: u.client.ID,
		Subject:  u.client.ID,
		IssuedAt: u.now.Unix(),
		ID:       newTokenID(u.now),
		Scope:    strings.Join(u.scopes, " "),
		Extra:    u.extra.AccessToken,
	}
	if u.held != nil {
		claims.Subject = u.held.SubjectFor(h.Subjects.Of(u.client, u.held.Subject))
		claims.Extra = u.held.Authorization.ExtraClaims.AccessToken
		claims.AuthTime, claims.ACR, claims.AMR = u.held.Authorization.AuthTime, u.held.Authorization.ACR, u.held.Authorization.AMR
		claims.Grant = encodeRef(u.held.Locator)
	}
	if u.asserted != nil {
		claims.Subject, claims.Trust = u.asserted.Subject, u.asserted.Trust.ID
	}
	expiry := h.expiry(u)
	claims.Expiry = expiry.Unix()
	u.expiresIn = expiry.Sub(u.now)

	if h.opaque(u) {
		body, err := json.Marshal(claims)
		if err != nil {
			return "", fmt.Errorf("write access token: %w", err)
		}
		return h.Sealer.Seal(body), nil
	}
	released, err := h.accessTokenClaims(ctx, u)
	if err != nil {
		return "", err
	}
	said, err := h.ClaimStyle.spoken(claims, released)
	if err != nil {
		return "", err
	}
	token, err := h.Keys.SignClaims(ctx, h.AccessTokenAlg, typeAccessToken, said)
	if err != nil {
		return "", fmt.Errorf("sign access token: %w", err)
	}
	return token, nil
}

// audience returns whom the access token is for: the resources asked for, and
// ourselves if there are none (RFC 9068 section 3) or if userinfo will take it.
func (h *Handler) audience(u *unit) []string {
	ours := len(u.resources) == 0 || u.held != nil && slices.Contains(u.scopes, oauth2.ScopeOpenID)
	if !ours || slices.Contains(u.resources, h.Issuer) {
		return u.resources
	}
	return append(slices.Clone(u.resources), h.Issuer)
}

func (h *Handler) opaque(u *unit) bool {
	switch u.client.AccessTokenStrategy {
	case "opaque":
		return true
	case "jwt":
		return false
	default:
		return h.OpaqueAccessToken
	}
}

// readAccessToken returns the claims of an access token of ours that has not
// expired. Whether it has been revoked only [Handler.active] can tell. Its error is
// [errInactive] with the cause, and of an expired token it returns the claims too.
func (h *Handler) readAccessToken(token string, now time.Time) (*accessClaims, error) {
	var body []byte
	var err error
	if tokens.Opaque(token) {
		body, err = h.Sealer.Open(token)
	} else {
		body, _, err = h.Keys.Verify(token, typeAccessToken)
	}
	if err != nil {
		return nil, unreadable(err)
	}
	var claims accessClaims
	if err := errors.Join(json.Unmarshal(body, &claims), h.ClaimStyle.heard(&claims, body)); err != nil {
		return nil, inactive(refusal.TokenMalformed, "the claims of the token cannot be read")
	}
	if claims.Issuer != h.Issuer {
		return nil, inactive(refusal.TokenSignature, "the token is of another issuer, whose keys this server has")
	}
	if now.Unix() >= claims.Expiry {
		return &claims, inactive(refusal.TokenExpired, "the token has expired", refusal.Registered("issued_to", claims.ClientID),
			refusal.At("issued_at", time.Unix(claims.IssuedAt, 0)), refusal.At("expired_at", time.Unix(claims.Expiry, 0)))
	}
	return &claims, nil
}

// inactive returns [errInactive] with its cause.
func inactive(rule refusal.Rule, words string, attrs ...refusal.Attr) *refusal.Cause {
	return refusal.Wrap(errInactive, rule, words, attrs...)
}

// unreadable returns [errInactive] with the cause for a token that could not be opened,
// or the error where it cannot be known now.
func unreadable(err error) error {
	switch {
	case errors.Is(err, tokens.ErrMalformed):
		return inactive(refusal.TokenMalformed, "the token is none of this server's, or its system secret was removed")
	case errors.Is(err, jwks.ErrUnknownKey):
		return inactive(refusal.TokenSignature, "no key of this server has the kid of the token: it is of another issuer, or its key was removed")
	case errors.Is(err, jwks.ErrBadSignature):
		return inactive(refusal.TokenSignature, "the signature of the token does not verify")
	case errors.Is(err, jwks.ErrBadToken):
		return inactive(refusal.TokenMalformed, "the token is not an access token of this server: truncated, made up, or of another kind such as an ID token")
	default:
		return fmt.Errorf("read access token: %w", err)
	}
}

// active returns the claims of an access token that is good at this moment, and
// the grant it lives under, which is nil for what a client got for itself. It is
// the one place that decides so: one statement. With [errInactive] it returns the claims
// of a token of ours.
func (h *Handler) active(ctx context.Context, token string, now time.Time) (*accessClaims, *grant.GrantWithAccount, error) {
	claims, err := h.readAccessToken(token, now)
	if err != nil {
		return claims, nil, err
	}
	if claims.Grant == "" {
		return claims, nil, h.standsAlone(ctx, claims, now)
	}
	ref, err := decodeRef(claims.Grant)
	if err != nil {
		return nil, nil, inactive(refusal.TokenMalformed, "the claims of the token cannot be read")
	}
	held, err := h.Grants.LiveGrant(ctx, ref, claims.ID, now)
	if errors.Is(err, grant.ErrNotFound) {
		err = inactive(refusal.TokenInactive, "the token or its grant was revoked, or what they depend on has ended",
			refusal.Registered("issued_to", claims.ClientID)).WithGrant(ref.ID.String())
	}
	return claims, held, err
}

// standsAlone returns nil if a token without a grant is good: what a client got for
// itself, or for the word of an issuer.
func (h *Handler) standsAlone(ctx context.Context, claims *accessClaims, now time.Time) error {
	issuedAt, err := tokenTime(claims.ID)
	if err != nil {
		return inactive(refusal.TokenMalformed, "the claims of the token cannot be read")
	}
	words := "the token was revoked, or its client was deleted or disabled"
	if claims.Trust == "" {
		err = h.Grants.LiveClient(ctx, claims.ClientID, claims.ID, issuedAt, now)
	} else {
		words = "the token was revoked, or its client, account or trusted issuer was deleted or disabled"
		err = h.Grants.LiveAsserted(ctx, grant.AssertedToken{
			ClientID: claims.ClientID, Trust: claims.Trust, Subject: claims.Subject, JTI: claims.ID, IssuedAt: issuedAt,
		}, now)
	}
	if errors.Is(err, grant.ErrNotFound) {
		return inactive(refusal.TokenInactive, words, refusal.Registered("issued_to", claims.ClientID))
	}
	return err
}

// Active returns the grant under which an access token is good at this moment,
// with the token's own scopes, or grant.ErrNotFound with its cause. The userinfo endpoint
// reads tokens through it: what is only for a resource elsewhere is not for us (RFC 9068
// section 4).
//
// It costs one statement, and up to two more for a token that was revoked: they find out
// why.
func (h *Handler) Active(ctx context.Context, token string) (*grant.GrantWithAccount, error) {
	now := h.Now()
	claims, held, err := h.active(ctx, token, now)
	if claims != nil {
		refusal.SetClient(ctx, claims.ClientID)
	}
	switch {
	case errors.Is(err, errInactive):
		return nil, h.whyInactive(ctx, claims, refusal.Of(err), now).WithError(grant.ErrNotFound)
	case err != nil:
		return nil, err
	case held == nil:
		return nil, refusal.Wrap(grant.ErrNotFound, refusal.TokenInactive, "the token has no user: the client got it for itself or for an assertion")
	case !slices.Contains(claims.Audience, h.Issuer):
		return nil, refusal.Wrap(grant.ErrNotFound, refusal.TokenAudience, "the token is for a resource elsewhere, and not for this server",
			refusal.Registered("audience", strings.Join(claims.Audience, " ")))
	}
	held.Scopes = strings.Fields(claims.Scope)
	return held, nil
}

// whyInactive returns why a token under a grant is not active. For other tokens, and where
// the database does not say, it is cause.
func (h *Handler) whyInactive(ctx context.Context, claims *accessClaims, cause *refusal.Cause, now time.Time) *refusal.Cause {
	if claims == nil || claims.Grant == "" || cause.Rule != refusal.TokenInactive {
		return cause
	}
	ref, err := decodeRef(claims.Grant)
	if err != nil {
		return cause
	}
	// The token is inactive whatever this says, so that its errors change nothing.
	if found, err := h.Grants.WhyInactive(ctx, ref, claims.ID, now); err == nil && found != nil {
		return found
	}
	return cause
}

// newTokenID returns a jti of 96 random bits. The microsecond of issue goes in
// front: iat counts whole seconds, too coarse to tell whether a token is older
// than the moment at which a client's tokens were ended.
func newTokenID(now time.Time) string {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 20), uint64(now.UnixMicro()))
	b = b[:20]
	_, _ = rand.Read(b[8:]) // never fails: crypto/rand ends the process instead
	return base64.RawURLEncoding.EncodeToString(b)
}

func tokenTime(id string) (time.Time, error) {
	b, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil || len(b) != 20 {
		return time.Time{}, tokens.ErrMalformed
	}
	return time.UnixMicro(int64(binary.BigEndian.Uint64(b))), nil //nolint:gosec // written by newTokenID
}

func encodeRef(ref grant.Locator) string {
	b := binary.BigEndian.AppendUint32(nil, uint32(ref.Partition))
	return base64.RawURLEncoding.EncodeToString(append(b, ref.ID[:]...))
}

func decodeRef(s string) (grant.Locator, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != 20 {
		return grant.Locator{}, tokens.ErrMalformed
	}
	return grant.Locator{Partition: grant.Partition(binary.BigEndian.Uint32(b)), ID: grant.ID(b[4:])}, nil
}

// Own returns whose an access token is that a client got for itself, for us, and the
// scopes that it has, or grant.ErrNotFound. With what a person allowed a client nobody
// operates the server.
func (h *Handler) Own(ctx context.Context, token string) (clientID string, scopes []string, err error) {
	claims, held, err := h.active(ctx, token, h.Now())
	if errors.Is(err, errInactive) ||
		err == nil && (held != nil || claims.Trust != "" || !slices.Contains(claims.Audience, h.Issuer)) {
		return "", nil, grant.ErrNotFound
	}
	if err != nil {
		return "", nil, err
	}
	return claims.ClientID, strings.Fields(claims.Scope), nil
}
