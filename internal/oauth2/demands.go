package oauth2

import (
	"encoding/json"
	"slices"
)

// demands are what a request insists on of the sign-in itself rather than of the
// answer: a certain subject, or an essential acr (OpenID Connect Core sections
// 5.5.1 and 5.5.1.1).
type demands struct {
	subject string
	acr     []string
}

// readDemands takes the demands from the hint and the claims parameter. Those that
// cannot be understood are refused: to ignore them would be to say they were met.
func readDemands(a *asked) error {
	type member struct {
		Essential bool     `json:"essential"`
		Value     string   `json:"value"`
		Values    []string `json:"values"`
	}
	var claims struct {
		IDToken struct {
			Subject *member `json:"sub"`
			ACR     *member `json:"acr"`
		} `json:"id_token"`
	}
	a.demands.subject = a.hint
	if len(a.claims) == 0 {
		return nil
	}
	if err := json.Unmarshal(a.claims, &claims); err != nil {
		return refuse(codeInvalidRequest, "The parameter claims asks for a sub or acr that cannot be one")
	}
	if sub := claims.IDToken.Subject; sub != nil && sub.Value != "" {
		a.demands.subject = sub.Value
	}
	if acr := claims.IDToken.ACR; acr != nil && acr.Essential {
		a.demands.acr = acr.Values
		if acr.Value != "" {
			a.demands.acr = append(a.demands.acr, acr.Value)
		}
	}
	return nil
}

// meets reports whether a sign-in of class acr is one of those demanded.
func (d demands) meets(acr string) bool { return len(d.acr) == 0 || slices.Contains(d.acr, acr) }
