package oauth2

import (
	"encoding/json"
	"slices"
)

// required is what the claims parameter demands of the sign-in itself rather
// than of the answer (OpenID Connect Core sections 5.5.1 and 5.5.1.1).
type required struct {
	subject string
	acr     []string
}

// demands reads what the request insists on: a certain subject, or an essential
// acr.
func (a *asked) demands() required {
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
	r := required{subject: a.hint}
	if a.claims == nil || json.Unmarshal(a.claims, &claims) != nil {
		return r
	}
	if sub := claims.IDToken.Subject; sub != nil && sub.Value != "" {
		r.subject = sub.Value
	}
	if acr := claims.IDToken.ACR; acr != nil && acr.Essential {
		r.acr = acr.Values
		if acr.Value != "" {
			r.acr = append(r.acr, acr.Value)
		}
	}
	return r
}

// meets reports whether a sign-in of class acr is one of those demanded.
func (r required) meets(acr string) bool { return len(r.acr) == 0 || slices.Contains(r.acr, acr) }
