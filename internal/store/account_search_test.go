package store_test

import (
	"slices"
	"testing"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// A search finds the same accounts, page by page, whether its matches are few or many.
func TestSearchOfFewAndManyMatches(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		must(t, s.Groups.InsertGroup(t.Context(), &account.Group{Name: "staff", CreatedAt: noon, UpdatedAt: noon}))
		for _, one := range []struct{ username, name, family, email string }{
			{"berta", "Ada Byron", "Byron", "ada@one.example"},
			{"carl", "Carl Adam", "Adam", "carl@one.example"},
			{"adele", "Élise", "Byron", "elise@one.example"},
			{"dora", "Dora", "Dahl", "adora@one.example"},
			{"emil", "Emil", "Noether", "emil@one.example"},
		} {
			a := fixture.Account(one.username + "-subject")
			a.Username, a.Addresses, a.Groups = one.username, nil, []string{"staff"}
			must(t, a.SetClaims(map[string]any{"name": one.name, "family_name": one.family, "email": one.email, "email_verified": true}, nil, noon))
			must(t, s.Accounts.InsertAccount(t.Context(), a))
		}
		for prefix, want := range map[string][]string{
			"ada": {"berta", "carl"}, "ad": {"adele", "berta", "carl", "dora"}, "BYR": {"adele", "berta"}, "éL": {"adele"}, "x": nil, "": {"adele", "berta", "carl", "dora", "emil"},
		} {
			filter := account.Filter{Prefix: prefix, Group: "staff"}
			for kind, search := range map[string]func(after string) ([]*account.Account, error){
				"few": func(after string) ([]*account.Account, error) {
					return s.Accounts.SearchAccounts(t.Context(), filter, after, 2)
				},
				"many": func(after string) ([]*account.Account, error) {
					return store.SearchFrequent(t.Context(), s, filter, after, 2)
				},
			} {
				var got []string
				for after := ""; ; {
					page, err := search(after)
					must(t, err)
					for _, a := range page {
						got, after = append(got, a.Username), a.Username
					}
					if len(page) < 2 {
						break
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s matches of %q: %q, want %q", kind, prefix, got, want)
				}
			}
		}
	})
}
