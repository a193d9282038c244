package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// named inserts an account with the username, a name and an address.
func named(t *testing.T, s *store.Store, username, name, email string, groups ...string) *account.Account {
	t.Helper()
	a := fixture.Account(username + "-id")
	a.Username, a.Addresses, a.Groups = username, nil, groups
	must(t, a.SetClaims(map[string]any{"name": name, "email": email}, nil, noon))
	must(t, s.Accounts.InsertAccount(t.Context(), a))
	return a
}

// pagesOf returns the usernames on all pages of a search, and the number of pages.
func pagesOf(t *testing.T, search func(after string) ([]*account.Account, string, error)) (names []string, pages int) {
	t.Helper()
	for after := ""; ; pages++ {
		page, next, err := search(after)
		must(t, err)
		for _, a := range page {
			names = append(names, a.Name())
		}
		if next == "" {
			return names, pages + 1
		}
		after = next
	}
}

// A search finds the same accounts in the same order regardless of the bounds of its reads.
func TestSearchFindsAccountsByWords(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for _, name := range []string{"staff", "few"} {
			must(t, s.Groups.InsertGroup(t.Context(), &account.Group{Name: name, CreatedAt: noon, UpdatedAt: noon}))
		}
		named(t, s, "berta", "Ada Byron", "ada@one.example", "staff", "few")
		named(t, s, "carl", "Carl Adam", "carl@one.example", "staff")
		named(t, s, "adele", "Élise Byron", "elise@one.example", "staff")
		named(t, s, "dora", "Dora Dahl-Adams", "adora@one.example", "staff", "few")
		named(t, s, "emil", "Emil Noether", "e.n@two.example", "staff")
		named(t, s, "yamada", "山田太郎", "taro@two.example")
		for i, tc := range []struct {
			text, group string
			want        []string
		}{
			{"ada", "", []string{"berta", "carl", "dora"}}, // ada, adam, adams
			{"AD", "staff", []string{"berta", "carl", "dora", "adele"}},
			{"ad", "few", []string{"berta", "dora"}},
			{"byr", "", []string{"berta", "adele"}},
			{"byron elise", "", []string{"adele"}},
			{"dahl-ad", "", []string{"dora"}},
			{"two", "", []string{"emil", "yamada"}},
			{"e.n@two.example", "", []string{"emil"}},
			{"example two", "staff", []string{"emil"}},
			{"one a", "few", []string{"berta", "dora"}},
			{"山田", "", []string{"yamada"}},
			{"carl-i", "", []string{"carl"}}, // a subject
			{"carl-i", "few", nil},
			{"carl-i x", "", nil},
			{"x", "", nil},
			{"-", "", nil},
			{"one two", "", nil},
			{"", "staff", []string{"adele", "berta", "carl", "dora", "emil"}},
			{" ", "", []string{"adele", "berta", "carl", "dora", "emil", "yamada"}},
		} {
			filter := account.Filter{Text: tc.text, Group: tc.group}
			for bounds, search := range map[string]func(after string) ([]*account.Account, string, error){
				"default": func(after string) ([]*account.Account, string, error) {
					return s.Accounts.SearchAccounts(t.Context(), filter, after, 2)
				},
				"low": func(after string) ([]*account.Account, string, error) {
					return store.SearchBounded(t.Context(), s, 0, 2, filter, after, 1)
				},
			} {
				if got, _ := pagesOf(t, search); !slices.Equal(got, tc.want) {
					t.Errorf("%d: %q in group %q with %s bounds: %q, want %q", i, tc.text, tc.group, bounds, got, tc.want)
				}
			}
		}
		_, _, err := s.Accounts.SearchAccounts(t.Context(), account.Filter{Text: "ad"}, "7 of nothing", 2)
		must(t, err)
	})
}

// A page of frequent words that rarely occur together reads a bounded number of accounts, and the
// next page continues there.
func TestSearchReadsABoundedNumberOfMatches(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for i := range 40 {
			named(t, s, fmt.Sprintf("user%02d", i), []string{"Ada", "Bob"}[i%2]+" Smith", fmt.Sprintf("m%d@rp.example", i))
		}
		named(t, s, "zoe", "Zoe Ada Bob", "zoe@rp.example")
		got, pages := pagesOf(t, func(after string) ([]*account.Account, string, error) {
			return store.SearchBounded(t.Context(), s, 5, 10, account.Filter{Text: "ada bob"}, after, 25)
		})
		if want := []string{"zoe"}; !slices.Equal(got, want) || pages != 3 {
			t.Errorf("found %q on %d pages, want %q on 3 pages of 10 accounts or less", got, pages, want)
		}
	})
}

// find returns the usernames that a text finds.
func find(t *testing.T, s *store.Store, text string) []string {
	t.Helper()
	names, _ := pagesOf(t, func(after string) ([]*account.Account, string, error) {
		return s.Accounts.SearchAccounts(t.Context(), account.Filter{Text: text}, after, 10)
	})
	return names
}

func wantFound(t *testing.T, s *store.Store, when, text string, want ...string) {
	t.Helper()
	if got := find(t, s, text); !slices.Equal(got, want) {
		t.Errorf("%s %q finds %q, want %q", when, text, got, want)
	}
}

// The words of an account change in the transaction that changes it, and a deleted account leaves
// none.
func TestWordsFollowTheAccount(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := storetest.Open(t, url)
		_, err := s.Migrate(t.Context())
		must(t, err)
		a := named(t, s, "ada", "Ada Lovelace", "ada@rp.example")
		wantFound(t, s, "after the insert", "lovel", "ada")
		_, err = s.Accounts.ChangeAccount(t.Context(), a.Subject, noon, func(a *account.Account) error {
			return a.SetClaims(map[string]any{"name": "Ada King", "email": "countess@rp.example"}, nil, noon)
		})
		must(t, err)
		wantFound(t, s, "after a change", "lovel")
		wantFound(t, s, "after a change", "king countess", "ada")
		must(t, s.Accounts.ChangeProfile(t.Context(), a.Subject, noon, func(a *account.Account) error {
			return a.AddAddress("augusta@two.example", noon)
		}))
		wantFound(t, s, "after another address", "augusta", "ada")
		other := fixture.Account("imported")
		other.Username = "grace"
		changed := *a
		changed.Claims, changed.Addresses = map[string]any{"name": "Ada Noel"}, nil
		_, _, err = s.Accounts.ImportAccounts(t.Context(), imports(other, &changed, other))
		must(t, err)
		wantFound(t, s, "after an import", "gra", "grace")
		wantFound(t, s, "after an import", "noel", "ada")
		wantFound(t, s, "after an import", "king")
		rewritten, err := s.SearchWords.RewriteStaleWords(t.Context())
		must(t, err)
		if rewritten != 0 {
			t.Errorf("the words of %d accounts were stale after the changes, want 0", rewritten)
		}
		must(t, s.Accounts.DeleteAccount(t.Context(), a.Subject, noon))
		wantFound(t, s, "after the deletion", "noel")
		rows := storetest.Rows(t, url)
		if words, stale := rows["account_words"], rows["stale_words"]; strings.Contains(words, a.Subject) || !strings.Contains(words, "grace") || stale != "" {
			t.Errorf("after the deletion the words are %q and the stale ones %q, want only those of the other account", words, stale)
		}
	})
}

// Accounts of an older database, and accounts that a replica of the previous version inserts or
// changes, are found after the next pass of the background work.
func TestWordsOfAccountsOfThePreviousVersion(t *testing.T) {
	t.Parallel()
	const step = 68
	const insert = `INSERT INTO accounts (subject, username, password_hash, claims, administrator, not_before, created_at, updated_at)
		VALUES ($1, $1, '', $2, 0, 0, 0, 0)`
	for engine, empty := range emptyURLs {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			url := empty(t)
			outside := migrateTo(t, engine, url, step)
			exec := func(statement string, args ...any) {
				t.Helper()
				_, err := outside.ExecContext(t.Context(), statement, args...)
				must(t, err)
			}
			for i := range 450 {
				exec(insert, fmt.Sprintf("u%03d", i), fmt.Sprintf(`{"name":"Ada %d"}`, i))
			}
			s := storetest.Open(t, url)
			_, err := s.Migrate(t.Context())
			must(t, err)
			exec(insert, "new", `{"name":"Grace Hopper","email":"grace@rp.example"}`)
			rewritten, err := s.SearchWords.RewriteStaleWords(t.Context())
			must(t, err)
			if rewritten != 451 {
				t.Errorf("the words of %d accounts were written, want 451", rewritten)
			}
			wantFound(t, s, "after the migration", "ada 449", "u449")
			wantFound(t, s, "after the migration", "hopper grace", "new")
			exec(`UPDATE accounts SET claims = '{"name":"Grace Murray"}' WHERE subject = 'new'`)
			exec(`INSERT INTO addresses (subject, address_key, address, is_primary) VALUES ('u000', 'x@y.example', 'x@y.example', 0)`)
			rewritten, err = s.SearchWords.RewriteStaleWords(t.Context())
			must(t, err)
			if rewritten != 2 {
				t.Errorf("the words of %d accounts were written, want 2", rewritten)
			}
			wantFound(t, s, "after a change", "murray", "new")
			wantFound(t, s, "after a change", "hopper")
			wantFound(t, s, "after a new address", "x@y", "u000")
			exec(`DELETE FROM addresses WHERE subject = 'u000'`)
			exec(`DELETE FROM accounts WHERE subject = 'new'`)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			s.SearchWords.RunSearchWords(ctx) // returns
			_, err = s.SearchWords.RewriteStaleWords(t.Context())
			must(t, err)
			wantFound(t, s, "without the address", "x@y")
		})
	}
}
