package authorize

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/session"
)

// requirements are the conditions of a request on the authentication: a certain subject, or one
// of several values of acr.
//
// Spec: OpenID Connect Core §3.1.2.1 (acr_values), §5.5.1, §5.5.1.1; RFC 9470 §5.
type requirements struct {
	subject  string   // empty for any
	acr      []string // values of which the authentication must reach one; empty for any
	acrClaim bool     // acr comes from the parameter claims, as an essential claim
	optional bool     // acr are the default_acr_values of the client: a user may decline
}

// met reports whether an authentication with acr reaches one of the values that are required.
func (d requirements) met(acr string) bool {
	_, reached := session.Strongest(acr, d.acr)
	return len(d.acr) == 0 || reached
}

// canBeReached reports whether one of the required values of acr is a level of this server,
// so that a further factor can reach it.
func (d requirements) canBeReached() bool { return slices.ContainsFunc(d.acr, session.IsLevel) }

// checkACRValues reads acr_values, or the default of the client. Values that are no levels are
// ignored: acr_values are a preference.
func checkACRValues(_ *Requests, a *AuthorizationRequest) error {
	if len(a.requirements.acr) > 0 { // an essential claim
		return nil
	}
	values := strings.Fields(a.form.Get("acr_values"))
	if len(values) == 0 {
		values, a.requirements.optional = slices.Clone(a.client.DefaultACRValues), true
	}
	a.requirements.acr = slices.DeleteFunc(values, func(v string) bool { return !session.IsLevel(v) })
	return nil
}

// checkRequirements reads the requirements from the hint and the parameter claims. Those with
// a wrong type are refused: ignoring them would mean that they were met.
func checkRequirements(_ *Requests, a *AuthorizationRequest) error {
	a.requirements.subject = a.hint
	if sub := a.claims.IDToken["sub"]; sub != nil {
		value, err := texts(sub.Value)
		if err != nil {
			return err
		}
		if _, err := texts(sub.Values...); err != nil {
			return err
		}
		a.requirements.subject = cmp.Or(append(value, "")[0], a.hint)
	}
	if acr := a.claims.IDToken["acr"]; acr != nil {
		values, err := texts(append(slices.Clone(acr.Values), acr.Value)...)
		if err != nil {
			return err
		}
		if acr.Essential {
			a.requirements.acr, a.requirements.acrClaim = values, len(values) > 0
		}
	}
	return nil
}

// texts returns the values that are present, which must be strings.
func texts(values ...json.RawMessage) (list []string, err error) {
	for _, raw := range values {
		var text *string
		if len(raw) > 0 && json.Unmarshal(raw, &text) != nil {
			return nil, oauth2.InvalidRequest("The parameter claims requests a sub or acr that is not a string")
		}
		if text != nil {
			list = append(list, *text)
		}
	}
	return list, nil
}
