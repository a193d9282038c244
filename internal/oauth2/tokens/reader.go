package tokens

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/pkg/resource"
)

// ErrInactive reports an access token that is invalid, expired or revoked. It is wrapped by
// a [refusal.Cause].
var ErrInactive = errors.New("token is not active")

// Verifier verifies tokens that this server signed.
type Verifier interface {
	Verify(token string, typs ...string) (payload []byte, kid string, err error)
}

// Grants finds grants, clients and trusted issuers of access tokens. Each method is one
// statement and returns [grant.ErrNotFound] for a token that is not active.
type Grants interface {
	LiveGrant(ctx context.Context, ref grant.Locator, jti string, now time.Time) (*grant.WithAccount, error)
	LiveClient(ctx context.Context, clientID, jti string, issuedAt, now time.Time) error
	LiveAsserted(ctx context.Context, a grant.AssertedToken, now time.Time) error
	// LiveExchanged returns the grant of the user of an exchanged token, nil for none.
	LiveExchanged(ctx context.Context, t *grant.Exchanged, now time.Time) (*grant.WithAccount, error)
	// WhyInactive returns why an access token with the ID jti under a grant is not active,
	// after LiveGrant has returned [grant.ErrNotFound]. It is nil if the token is active.
	WhyInactive(ctx context.Context, ref grant.Locator, jti string, now time.Time) (*refusal.Cause, error)
}

// Reader reads access tokens of this server and decides whether they are active.
type Reader struct {
	Issuer     string
	Verifier   Verifier
	Sealer     *Sealer
	ClaimStyle ClaimStyle
	Grants     Grants
	Now        func() time.Time
}

// Read returns the claims of an access token that this server issued and that has not
// expired. Only [Reader.Active] finds out whether it was revoked. The error for an invalid token
// is [ErrInactive] with its cause; an expired token is returned with the error.
func (d *Reader) Read(token string, now time.Time) (*AccessClaims, error) {
	var body []byte
	var err error
	if Opaque(token) {
		body, err = d.Sealer.Open(token)
	} else {
		body, _, err = d.Verifier.Verify(token, typeAccessToken)
	}
	if err != nil {
		return nil, unreadable(err)
	}
	var claims AccessClaims
	if err := errors.Join(json.Unmarshal(body, &claims), d.ClaimStyle.decode(&claims, body)); err != nil {
		return nil, malformed()
	}
	if claims.Issuer != d.Issuer {
		return nil, inactive(refusal.TokenSignature, "the token is of another issuer, whose keys this server has")
	}
	if now.Unix() >= claims.Expiry {
		return &claims, inactive(refusal.TokenExpired, "the token has expired", refusal.Registered("issued_to", claims.ClientID),
			refusal.At("issued_at", time.Unix(claims.IssuedAt, 0)), refusal.At("expired_at", time.Unix(claims.Expiry, 0)))
	}
	return &claims, nil
}

// Active returns the claims of an access token that is active at now, and the grant under
// which it was issued, nil for a token without a user. It is the one place that decides
// this, and costs one statement. With [ErrInactive] it returns the claims as far as the
// token is one of this server.
func (d *Reader) Active(ctx context.Context, token string, now time.Time) (*AccessClaims, *grant.WithAccount, error) {
	claims, err := d.Read(token, now)
	if err != nil {
		return claims, nil, err
	}
	if claims.IsExchanged() {
		found, err := d.activeExchanged(ctx, claims, now)
		return claims, found, err
	}
	if claims.Grant == "" {
		return claims, nil, d.activeWithoutGrant(ctx, claims, now)
	}
	at, err := decodeLocator(claims.Grant)
	if err != nil {
		return nil, nil, malformed()
	}
	found, err := d.Grants.LiveGrant(ctx, at, claims.ID, now)
	if errors.Is(err, grant.ErrNotFound) {
		err = inactive(refusal.TokenInactive, "the token or its grant was revoked, or the session, account or client has ended",
			refusal.Registered("issued_to", claims.ClientID)).WithGrant(at.ID.String())
	}
	return claims, found, err
}

// activeWithoutGrant returns nil if a token is active that a client got for itself or for an
// assertion.
func (d *Reader) activeWithoutGrant(ctx context.Context, claims *AccessClaims, now time.Time) error {
	issuedAt, err := tokenTime(claims.ID)
	if err != nil {
		return malformed()
	}
	words := "the token was revoked, or its client was deleted or disabled"
	if claims.Trust == "" {
		err = d.Grants.LiveClient(ctx, claims.ClientID, claims.ID, issuedAt, now)
	} else {
		words = "the token was revoked, or its client, account or trusted issuer was deleted or disabled"
		err = d.Grants.LiveAsserted(ctx, grant.AssertedToken{
			ClientID: claims.ClientID, Trust: claims.Trust, Subject: claims.Subject, JTI: claims.ID, IssuedAt: issuedAt,
		}, now)
	}
	if errors.Is(err, grant.ErrNotFound) {
		return inactive(refusal.TokenInactive, words, refusal.Registered("issued_to", claims.ClientID))
	}
	return err
}

// Lookup returns an active access token for the resources of this server, whose Data is the
// *[grant.WithAccount] under which it was issued, with the scopes of the token, or the
// [grant.AssertedToken] of a token for an assertion, or the *[grant.Exchanged] of one that was exchanged. A token
// that a client got for itself has none. It implements [resource.Lookup]: no token of this server is checked in two ways.
//
// It costs one statement, and up to two more for the cause of a revoked token.
//
// Spec: RFC 9068 §4.
func (d *Reader) Lookup(ctx context.Context, token string) (*resource.Token, error) {
	now := d.Now()
	claims, found, err := d.Active(ctx, token, now)
	if claims != nil {
		refusal.SetClient(ctx, claims.ClientID)
	}
	switch {
	case errors.Is(err, ErrInactive):
		return nil, d.whyInactive(ctx, claims, refusal.Of(err), now).WithError(resource.ErrInactive)
	case err != nil:
		return nil, err
	}
	seen := claims.resourceToken()
	switch {
	case found != nil:
		found.Scopes = seen.Scopes
		seen.Data = found
	case claims.Trust != "":
		seen.Data = grant.AssertedToken{ClientID: claims.ClientID, Trust: claims.Trust, Subject: claims.Subject, JTI: claims.ID, IssuedAt: seen.IssuedAt}
	case claims.IsExchanged():
		if seen.Data, err = claims.exchanged(); err != nil {
			return nil, malformed()
		}
	}
	return seen, nil
}

// whyInactive returns the cause for which a token under a grant is not active. For other
// tokens, and where the database does not tell, it returns cause.
func (d *Reader) whyInactive(ctx context.Context, claims *AccessClaims, cause *refusal.Cause, now time.Time) *refusal.Cause {
	if claims == nil || claims.Grant == "" || cause.Rule != refusal.TokenInactive {
		return cause
	}
	at, err := decodeLocator(claims.Grant)
	if err != nil {
		return cause
	}
	// The token is inactive in any case, so an error of the store is ignored.
	if found, err := d.Grants.WhyInactive(ctx, at, claims.ID, now); err == nil && found != nil {
		return found
	}
	return cause
}

// inactive returns [ErrInactive] with its cause.
func inactive(rule refusal.Rule, words string, attrs ...refusal.Attr) *refusal.Cause {
	return refusal.Wrap(ErrInactive, rule, words, attrs...)
}

func malformed() error {
	return inactive(refusal.TokenMalformed, "the claims of the token cannot be read")
}

// unreadable returns [ErrInactive] with the cause for a token that cannot be opened, or err
// where that cannot be decided now.
func unreadable(err error) error {
	switch {
	case errors.Is(err, ErrMalformed):
		return inactive(refusal.TokenMalformed, "the token is not one of this server, or its system secret was removed")
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
