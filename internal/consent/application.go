package consent

import (
	"time"

	"github.com/ostiary/ostiary/internal/detail"
)

// Application is a client that may use the account of a user, by a remembered consent or by
// valid grants.
type Application struct {
	ClientID   string
	Scopes     []string    // of all consents and grants, without duplicates
	Details    detail.List // of all consents and grants; the latest, see [detail.List.Join]
	Since      time.Time   // the first of the consents and grants that are valid now
	LastUsedAt time.Time   // the last sign-in or refresh; zero if there is no valid grant
	Grants     int         // valid ones
}

// Applications merges the parts of each application, which are in any order. The result is in
// the order in which the clients first appear.
func Applications(parts []Application) (list []*Application) {
	byClient := make(map[string]*Application)
	for _, p := range parts {
		a := byClient[p.ClientID]
		if a == nil {
			a = &Application{ClientID: p.ClientID, Since: p.Since}
			byClient[p.ClientID] = a
			list = append(list, a)
		}
		scopes := Consent{Scopes: a.Scopes}
		scopes.Add(p.Scopes)
		a.Scopes, a.Details = scopes.Scopes, a.Details.Join(p.Details)
		a.Grants += p.Grants
		if p.Since.Before(a.Since) {
			a.Since = p.Since
		}
		if p.LastUsedAt.After(a.LastUsedAt) {
			a.LastUsedAt = p.LastUsedAt
		}
	}
	return list
}
