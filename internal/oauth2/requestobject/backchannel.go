package requestobject

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/jws"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/profile"
	"github.com/ostiary/ostiary/internal/refusal"
)

// maxAge is the maximum age of the nbf of a backchannel request, and the maximum time between its nbf
// and its exp.
//
// Spec: FAPI-CIBA §5.2.2.
const maxAge = time.Hour

// maxJTI is the maximum length of a jti in characters.
const maxJTI = 256

// Replay stores one-time values.
type Replay interface {
	// ClaimOnce reports whether the caller is the first to use the key of an owner and kind, which may
	// be used again after until.
	ClaimOnce(ctx context.Context, kind, owner, key string, until, now time.Time) (bool, error)
}

// BackchannelParameters returns the parameters of backchannel authentication requests.
//
// Spec: CIBA Core §7.1, RFC 9396 §2, RFC 8707 §2.
func BackchannelParameters() []string {
	return []string{
		"scope", "resource", "audience", "authorization_details", "client_notification_token", "acr_values", "login_hint_token",
		"id_token_hint", "login_hint", "binding_message", "user_code", "requested_expiry",
	}
}

// OpenBackchannel returns the parameters of a backchannel authentication request of c, whose form is
// the body. They are those of its signed object, if it has one: then none may be outside. A client
// that registered backchannel_authentication_request_signing_alg must sign, and one whose security profile
// requires it. The jti of an object is used
// up by the function that OpenBackchannel returns, which the caller calls after its own checks.
//
// Its errors are invalid_request, since no other code exists for them.
//
// Spec: CIBA Core §7.1.1, §13, FAPI-CIBA §5.2.2.
func (o *Opener) OpenBackchannel(ctx context.Context, c *client.Client, form url.Values) (url.Values, func(context.Context) error, error) {
	nothing := func(context.Context) error { return nil }
	p := c.ProfileOn(o.Profile)
	signed, mustSign := p.Requires(profile.SignedRequest)
	switch {
	case form.Has(byReference):
		return nil, nil, backchannelError("The parameter request_uri is not supported here")
	case form.Get(byValue) == "" && mustSign:
		return nil, nil, oauth2.ProfileError(oauth2.CodeInvalidRequest, signed)
	case form.Get(byValue) == "" && c.BackchannelRequestSigningAlg != "":
		return nil, nil, backchannelError("This client registered backchannel_authentication_request_signing_alg, and must send a signed request")
	case form.Get(byValue) == "":
		return form, nothing, nil
	}
	for _, name := range BackchannelParameters() {
		if form.Has(name) {
			return nil, nil, backchannelError("The parameter " + name + " must be inside the request object")
		}
	}
	object, err := o.SignedBy(ctx, c, form.Get(byValue), c.BackchannelRequestSigningAlg, "jwt", "oauth-authz-req+jwt")
	if err != nil {
		return nil, nil, err
	}
	now := o.Now()
	until, err := o.judgeBackchannel(object.Payload, now)
	if err != nil {
		return nil, nil, err
	}
	if r, required := p.Requires(profile.Algorithms); required && !p.AllowsAlgorithm(object.Alg) {
		return nil, nil, oauth2.ProfileError(oauth2.CodeInvalidRequest, r)
	}
	inside, err := parametersOf(object, BackchannelParameters())
	if err != nil {
		return nil, nil, backchannelError(oauth2.ErrorOf(err).Description)
	}
	return inside, func(ctx context.Context) error {
		first, err := o.Replay.ClaimOnce(ctx, "backchannel request", c.ID, object.Payload.Text("jti"), until.Add(leeway), now)
		if err != nil {
			return fmt.Errorf("redeem request object: %w", err)
		}
		if !first {
			return backchannelError("The request object was used before")
		}
		return nil
	}, nil
}

// SignedBy returns a JWT that c signed with the registered algorithm, or with any of the supported ones
// if it registered none. It has checked header, iss and aud.
//
// Spec: RFC 8725 §3.1, §3.11.
func (o *Opener) SignedBy(ctx context.Context, c *client.Client, compact, registered string, types ...string) (*jws.JWS, error) {
	object, err := jws.Parse(compact)
	if err != nil {
		return nil, backchannelError("The request object " + err.Error())
	}
	switch {
	case !object.Typed(types...):
		return nil, backchannelError("The request object has a typ that is not accepted here")
	case !slices.Contains(jws.Algorithms(), object.Alg):
		return nil, backchannelError("The request object must be signed with " + strings.Join(jws.Algorithms(), ", "))
	case registered != "" && registered != object.Alg:
		return nil, backchannelError("The request object has another alg than the client registered")
	case object.Payload.Text("iss") != c.ID:
		return nil, backchannelError("The request object must have the client_id as its iss")
	case !names(object.Payload["aud"], o.Issuer):
		return nil, backchannelError("The request object must name this server in its aud")
	case object.Payload.Text("sub") == c.ID:
		return nil, backchannelError("The request object must not have the client_id as its sub")
	}
	keys, err := o.KeySets.Keys(ctx, c, object.KID)
	if errors.Is(err, client.ErrKeysUnavailable) {
		refused := backchannelError("The request object " + jws.ErrNoKey.Error())
		refused.Reason = err.Error()
		return nil, refused
	}
	if err != nil {
		return nil, fmt.Errorf("find keys of client: %w", err)
	}
	if err := object.Verify(keys); err != nil {
		return nil, backchannelError("The request object " + err.Error())
	}
	return object, nil
}

// judgeBackchannel checks times and jti, and returns the exp.
func (o *Opener) judgeBackchannel(payload jws.Object, now time.Time) (until time.Time, err error) {
	until, hasEnd := payload.Date("exp")
	from, hasStart := payload.Date("nbf")
	issued, isDated := payload.Date("iat")
	jti := payload.Text("jti")
	var fault string
	switch {
	case !hasEnd:
		fault = "must have an exp that is a number"
	case !until.After(now):
		fault = "has expired"
	case !hasStart:
		fault = "must have an nbf that is a number"
	case from.After(now.Add(leeway)):
		fault = "has an nbf that is in the future"
	case from.Before(now.Add(-maxAge)):
		fault = "has an nbf more than 60 minutes ago"
	case until.After(from.Add(maxAge)):
		fault = "has an exp more than 60 minutes after its nbf"
	case !isDated:
		fault = "must have an iat that is a number"
	case issued.After(now.Add(leeway)):
		fault = "has an iat that is in the future"
	case jti == "" || utf8.RuneCountInString(jti) > maxJTI:
		fault = "must have a jti of 1 to 256 characters"
	case payload.Has(byValue) || payload.Has(byReference):
		fault = "must not contain another request object"
	default:
		return until, nil
	}
	return time.Time{}, backchannelError("The request object " + fault)
}

func backchannelError(description string) *oauth2.Error {
	e := oauth2.InvalidRequest(description)
	e.Rule = refusal.RequestObject
	return e
}
