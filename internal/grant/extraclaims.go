package grant

import "encoding/json"

// ExtraClaims is what the operator's apps add to what tokens say.
type ExtraClaims struct {
	IDToken     json.RawMessage `json:"id_token,omitempty"`     // claims of ID tokens and userinfo
	AccessToken json.RawMessage `json:"access_token,omitempty"` // the claim ext of access tokens
	// ForcedSubject is the name under which the client knows the person, if the login app
	// chose one.
	ForcedSubject string `json:"known_as,omitempty"`
}

// SubjectFor returns the name under which the grant's client knows the person:
// name, unless the login app chose another one.
func (g *Grant) SubjectFor(name string) string {
	if g.Authorization.ExtraClaims.ForcedSubject != "" {
		return g.Authorization.ExtraClaims.ForcedSubject
	}
	return name
}
