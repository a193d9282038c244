package tokens

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/refusal"
)

// sourcesClaim is the claim of ID tokens and exchanged access tokens that names what they came from.
const sourcesClaim = "ost_src"

// Exchange is the part of a [Request] for a token exchange.
//
// Spec: RFC 8693 §2.2, §4.1.
type Exchange struct {
	Sources []grant.Source
	Actor   *grant.Actor // nil for none
	Until   time.Time    // the end of the first of the tokens that it comes from
	IDToken bool         // an ID token takes the place of the access token
	JWT     bool         // the access token is a JWT, even if those of the client are opaque
}

// SourceClaim is a [grant.Source] in a token.
type SourceClaim struct {
	ClientID string `json:"c,omitempty"`
	JTI      string `json:"j,omitempty"`
	Grant    string `json:"g,omitempty"`
	Trust    string `json:"t,omitempty"`
	Subject  string `json:"s,omitempty"`
	// At is when a token without a JTI was exchanged, in seconds since 1970; 0 if its grant decides.
	At int64 `json:"a,omitempty"`
}

func sourceClaims(sources []grant.Source) (list []SourceClaim) {
	for _, s := range sources {
		c := SourceClaim{ClientID: s.ClientID, JTI: s.JTI, Trust: s.Trust, Subject: s.Subject}
		if s.JTI == "" && !s.IssuedAt.IsZero() {
			c.At = s.IssuedAt.Unix()
		}
		if s.Grant != (grant.Locator{}) {
			c.Grant = encodeLocator(s.Grant)
		}
		list = append(list, c)
	}
	return list
}

// sourcesOf reverts sourceClaims. It returns [ErrMalformed] for anything else.
func sourcesOf(list []SourceClaim) (sources []grant.Source, err error) {
	for _, c := range list {
		s := grant.Source{ClientID: c.ClientID, JTI: c.JTI, Trust: c.Trust, Subject: c.Subject}
		if c.At != 0 {
			s.IssuedAt = time.Unix(c.At, 0)
		}
		if c.JTI != "" {
			if s.IssuedAt, err = tokenTime(c.JTI); err != nil {
				return nil, err
			}
		}
		if c.Grant != "" {
			if s.Grant, err = decodeLocator(c.Grant); err != nil {
				return nil, err
			}
		}
		sources = append(sources, s)
	}
	return sources, nil
}

// IsExchanged reports whether a client got the token by token exchange.
func (c *AccessClaims) IsExchanged() bool { return len(c.Sources) > 0 }

// exchanged returns what the store needs to know of an exchanged token.
func (c *AccessClaims) exchanged() (*grant.Exchanged, error) {
	issuedAt, err := tokenTime(c.ID)
	if err != nil {
		return nil, err
	}
	t := &grant.Exchanged{JTI: c.ID, ClientID: c.ClientID, IssuedAt: issuedAt}
	if c.Grant != "" {
		if t.Root, err = decodeLocator(c.Grant); err != nil {
			return nil, err
		}
	}
	t.Sources, err = sourcesOf(c.Sources)
	return t, err
}

// Lineage returns the sources of a token that is exchanged from this one: the token, and those that
// it came from.
func (c *AccessClaims) Lineage() ([]grant.Source, error) {
	t, err := c.exchanged()
	if err != nil {
		return nil, malformed()
	}
	own := grant.Source{ClientID: c.ClientID, JTI: c.ID, IssuedAt: t.IssuedAt, Grant: t.Root}
	if c.Trust != "" {
		own.Trust, own.Subject = c.Trust, c.Subject
	}
	return append(t.Sources, own), nil
}

// activeExchanged returns the grant of the user of an exchanged token, nil for none, as one of the
// client of the token.
func (d *Reader) activeExchanged(ctx context.Context, claims *AccessClaims, now time.Time) (*grant.WithAccount, error) {
	t, err := claims.exchanged()
	if err != nil {
		return nil, malformed()
	}
	found, err := d.Grants.LiveExchanged(ctx, t, now)
	if errors.Is(err, grant.ErrNotFound) {
		cause := inactive(refusal.TokenInactive, "the token was exchanged, and it or a token, grant, session, account or client that it came from was revoked or has ended",
			refusal.Registered("issued_to", claims.ClientID))
		if t.Root != (grant.Locator{}) {
			cause = cause.WithGrant(t.Root.ID.String())
		}
		return nil, cause
	}
	if err != nil || found == nil {
		return nil, err
	}
	return found.WithoutClaims(claims.ClientID), nil
}

// IDClaims are the claims of an ID token that is exchanged.
type IDClaims struct {
	Issuer   string        `json:"iss"`
	Subject  string        `json:"sub"`
	Audience string        `json:"aud"`
	Expiry   int64         `json:"exp"`
	AuthTime int64         `json:"auth_time"`
	Actor    *grant.Actor  `json:"act"`
	Sources  []SourceClaim `json:"ost_src"` // the first has the grant
}

// ActiveIDToken returns the claims of an ID token that is for a client and has not expired, with its
// grant and what it came from. It costs one statement. The error for another token is [ErrInactive]
// with its cause.
//
// Spec: RFC 8693 §3.
func (d *Reader) ActiveIDToken(ctx context.Context, token, clientID string, now time.Time) (*IDClaims, *grant.WithAccount, []grant.Source, error) {
	body, _, err := d.Verifier.Verify(token, "JWT")
	if err != nil {
		return nil, nil, nil, unreadable(err)
	}
	var claims IDClaims
	if json.Unmarshal(body, &claims) != nil {
		return nil, nil, nil, malformed()
	}
	sources, err := sourcesOf(claims.Sources)
	switch {
	case claims.Issuer != d.Issuer:
		return nil, nil, nil, inactive(refusal.TokenSignature, "the ID token is of another issuer, whose keys this server has")
	case claims.Audience != clientID:
		return nil, nil, nil, inactive(refusal.TokenAudience, "the ID token is for another client")
	case now.Unix() >= claims.Expiry:
		return nil, nil, nil, inactive(refusal.TokenExpired, "the ID token has expired", refusal.At("expired_at", time.Unix(claims.Expiry, 0)))
	case err != nil || len(sources) == 0 || sources[0].Grant == (grant.Locator{}):
		return nil, nil, nil, inactive(refusal.TokenMalformed, "the token is no ID token, or was issued before its client registered the grant type token-exchange")
	}
	root := sources[0].Grant
	found, err := d.Grants.LiveExchanged(ctx, &grant.Exchanged{ClientID: clientID, IssuedAt: now, Root: root, Sources: sources[1:]}, now)
	if errors.Is(err, grant.ErrNotFound) {
		err = inactive(refusal.TokenInactive, "the grant of the ID token was revoked, or the session, account or client has ended").WithGrant(root.ID.String())
	}
	return &claims, found, sources, err
}

// cutMayAct returns the claims that an app or hook added without may_act, and that if it is an object.
//
// Spec: RFC 8693 §4.4.
func cutMayAct(extra json.RawMessage) (rest, mayAct json.RawMessage) {
	const name = "may_act"
	if !bytes.Contains(extra, []byte(`"`+name+`"`)) {
		return extra, nil
	}
	var all map[string]json.RawMessage
	if json.Unmarshal(extra, &all) != nil || !bytes.HasPrefix(all[name], []byte("{")) {
		return extra, nil
	}
	mayAct = all[name]
	delete(all, name)
	if len(all) == 0 {
		return nil, mayAct
	}
	rest, err := json.Marshal(all)
	if err != nil {
		return extra, nil
	}
	return rest, mayAct
}
