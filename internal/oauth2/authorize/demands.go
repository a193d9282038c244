package authorize

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/scope"
)

// demands are what a request insists on of the sign-in itself rather than of the
// answer: a certain subject, or an essential acr (OpenID Connect Core sections
// 5.5.1 and 5.5.1.1).
type demands struct {
	subject string
	acr     []string
}

// errDemand reports a demand that cannot be understood.
func errDemand() error {
	return oauth2.NewError(oauth2.CodeInvalidRequest, "The parameter claims asks for a sub or acr that cannot be one")
}

// readDemands takes the demands from the hint and the claims parameter. Those that
// cannot be understood are refused: to ignore them would be to say they were met.
func readDemands(a *asked) error {
	a.demands.subject = a.hint
	request, err := scope.ParseClaimsRequest(string(a.claims))
	if err != nil {
		return errDemand()
	}
	if sub := request.IDToken["sub"]; sub != nil {
		value, err := texts(sub.Value)
		if err != nil {
			return err
		}
		if _, err := texts(sub.Values...); err != nil {
			return err
		}
		a.demands.subject = cmp.Or(append(value, "")[0], a.hint)
	}
	if acr := request.IDToken["acr"]; acr != nil {
		values, err := texts(append(slices.Clone(acr.Values), acr.Value)...)
		if err != nil {
			return err
		}
		if acr.Essential {
			a.demands.acr = values
		}
	}
	return nil
}

// texts returns the values that are there, which must be strings.
func texts(values ...json.RawMessage) (list []string, err error) {
	for _, raw := range values {
		var text *string
		if len(raw) > 0 && json.Unmarshal(raw, &text) != nil {
			return nil, errDemand()
		}
		if text != nil {
			list = append(list, *text)
		}
	}
	return list, nil
}

// meets reports whether a sign-in of class acr is one of those demanded.
func (d demands) meets(acr string) bool { return len(d.acr) == 0 || slices.Contains(d.acr, acr) }
