package scope

import "slices"

// OpenID is the scope that makes a request one of OpenID Connect.
const OpenID = "openid"

// protocol reports whether a scope means something to the protocol itself and
// releases no claims: OpenID Connect Core §3.1.2.1 and §11, and the name that Ory
// Hydra has for offline_access.
func protocol(name string) bool {
	return slices.Contains([]string{OpenID, "offline_access", "offline"}, name)
}

// standardNames are the scopes of OpenID Connect Core that release claims.
func standardNames() []string { return []string{"profile", "email", "address", "phone"} }

// UserinfoScopes returns the scopes of OpenID Connect Core that concern the userinfo endpoint: the one
// that it requires, and those that release claims.
func UserinfoScopes() []string { return append([]string{OpenID}, standardNames()...) }

// IsStandard reports whether a scope is defined by OpenID Connect Core: it always has a
// record, and releases at least its own claims.
//
// Spec: OpenID Connect Core §3.1.2.1, §5.4, §11.
func IsStandard(name string) bool {
	return name == OpenID || name == "offline_access" || slices.Contains(standardNames(), name)
}

// StandardClaimsOf returns the claims that OpenID Connect Core defines for a scope.
//
// Spec: OpenID Connect Core §5.4.
func StandardClaimsOf(name string) []string {
	switch name {
	case "profile":
		return []string{
			"name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile",
			"picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at",
		}
	case "email":
		return []string{"email", "email_verified"}
	case "address":
		return []string{"address"}
	case "phone":
		return []string{"phone_number", "phone_number_verified"}
	}
	return nil
}

// StandardClaims returns the names of all standard claims about a user.
//
// Spec: OpenID Connect Core §5.1.
func StandardClaims() []string {
	var names []string
	for _, scope := range standardNames() {
		names = append(names, StandardClaimsOf(scope)...)
	}
	return names
}

// standard returns the records of the scopes of OpenID Connect Core as they are unless
// the operator has changed them. Their words are those of the consent page.
func standard() []*Scope {
	list := []*Scope{{Name: OpenID}, {Name: "offline_access"}}
	for _, name := range standardNames() {
		s := &Scope{Name: name, Claims: map[string][]Destination{}}
		for _, claim := range StandardClaimsOf(name) {
			s.Claims[claim] = []Destination{IDToken, Userinfo}
		}
		list = append(list, s)
	}
	return list
}
