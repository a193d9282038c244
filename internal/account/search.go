package account

import "strings"

// Matches reports whether text occurs, in any case, in the username, a name, the email
// address or the telephone number of the account. A subject must match completely.
func (a *Account) Matches(text string) bool {
	text = strings.ToLower(text)
	if a.Subject == text || strings.Contains(strings.ToLower(a.Name()), text) {
		return true
	}
	for _, claim := range []string{
		"name", "given_name", "middle_name", "family_name", "nickname", "preferred_username", "email", "phone_number",
	} {
		if value, ok := a.Claims[claim].(string); ok && strings.Contains(strings.ToLower(value), text) {
			return true
		}
	}
	return false
}
