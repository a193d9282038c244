package authorize

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/ostiary/ostiary/internal/oauth2"
)

// requirements are the conditions of a request on the authentication: a certain subject, or one
// of several essential values of acr.
//
// Spec: OpenID Connect Core §5.5.1, §5.5.1.1.
type requirements struct {
	subject string   // empty for any
	acr     []string // empty for any
}

// meets reports whether an authentication with acr is one of those required.
func (d requirements) meets(acr string) bool { return len(d.acr) == 0 || slices.Contains(d.acr, acr) }

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
			a.requirements.acr = values
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
