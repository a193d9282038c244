package grant

import "encoding/json"

// ExtraClaims are the claims that a consent app or a token hook adds to tokens.
type ExtraClaims struct {
	IDToken     json.RawMessage `json:"id_token,omitempty"`     // claims of ID tokens and userinfo
	AccessToken json.RawMessage `json:"access_token,omitempty"` // the claim ext of access tokens
	// ForcedSubject is the sub that the login app chose for the client, if any.
	ForcedSubject string `json:"known_as,omitempty"`
}

// SubjectFor returns the sub of the grant's user for its client: the forced subject if the
// login app chose one, else sub.
func (g *Grant) SubjectFor(sub string) string {
	if g.Authorization.ExtraClaims.ForcedSubject != "" {
		return g.Authorization.ExtraClaims.ForcedSubject
	}
	return sub
}
