//go:build unix

package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

const (
	// searchedAccounts is the number of accounts of BenchmarkSearchAccounts.
	searchedAccounts = 100_000
	// searchPage is the number of rows of a page of the console.
	searchPage = 25
)

// syllables make names of which a prefix finds some thousands, dozens or one.
func syllables(i int) string {
	all := []string{"ka", "lo", "mi", "ne", "ru", "sa", "te", "vo", "xi", "zu"}
	var b strings.Builder
	for range 3 {
		b.WriteString(all[i%10])
		i /= 10
	}
	return b.String()
}

// searchedAccount returns one of the accounts of BenchmarkSearchAccounts. One in ten is called
// Maria, the others have one of 300 given names; there are 1,000 family names, and one account is
// the only Zelda.
func searchedAccount(b *testing.B, i int) account.Import {
	b.Helper()
	given, family := syllables(i*7%300), syllables(i/10)
	switch {
	case i == searchedAccounts/2:
		given = "zelda"
	case i%10 == 3:
		given = "maria"
	}
	a := fixture.Account(fmt.Sprintf("%08x-of-a-person", i*2654435761%(1<<32)))
	a.Username, a.Addresses = fmt.Sprintf("%s.%s%d", given, family, i), nil
	must(b, a.SetClaims(map[string]any{
		"name": given + " " + family, "given_name": given, "family_name": family,
		"email": fmt.Sprintf("%s%d@dept%d.example.org", family, i, i%50),
	}, nil, noon))
	return account.Import{Account: a, Change: func(*account.Account) error { return nil }}
}

func searchedEngines(b *testing.B, run func(b *testing.B, s *store.Store, url string)) {
	b.Helper()
	for engine, start := range map[string]func(testing.TB) string{
		"sqlite": storetest.SQLiteURL,
		"postgres": func(tb testing.TB) string {
			tb.Helper()
			return storetest.StartPostgres(tb, storetest.Options{}).URL()
		},
	} {
		b.Run(engine, func(b *testing.B) {
			url := start(b)
			s := storetest.Open(b, url)
			_, err := s.Migrate(b.Context())
			must(b, err)
			run(b, s, url)
		})
	}
}

// BenchmarkSearchAccounts reads the first page of a search, or another one, among 100,000 accounts.
func BenchmarkSearchAccounts(b *testing.B) {
	searchedEngines(b, func(b *testing.B, s *store.Store, url string) {
		b.Helper()
		for start := 0; start < searchedAccounts; start += 5000 {
			var batch []account.Import
			for i := start; i < start+5000; i++ {
				one := searchedAccount(b, i)
				if i < 100 {
					one.Account.Groups = append(one.Account.Groups, "few")
				}
				if i%4 == 0 {
					one.Account.Groups = append(one.Account.Groups, "many")
				}
				batch = append(batch, one)
			}
			_, _, err := s.Accounts.ImportAccounts(b.Context(), batch)
			must(b, err)
		}
		if s.Engine() == "postgres" {
			storetest.Exec(b, url, `VACUUM ANALYZE`)
		}
		for _, tc := range []struct{ name, text, group string }{
			{"everybody", "", ""},
			{"a-letter", "m", ""},
			{"a-part-of-every-address", "example", ""},
			{"given-name", "maria", ""},
			{"family-name", "kalomi", ""},
			{"given-and-family-name", "maria kalomi", ""},
			{"two-letters", "m k", ""},
			{"frequent-words-never-together", "maria nekaka", ""}, // 10,000 and 430
			{"frequent-words-rarely-together", "zelda maria", ""},
			{"frequent-words-nowhere-together", "dept3 dept4", ""},
			{"department", "dept17", ""},
			{"address", "kalomi21000@dept0.example.org", ""},
			{"one", "zelda", ""},
			{"nobody", "qq", ""},
			{"subject", fmt.Sprintf("%08x-of", 4711*2654435761%(1<<32)), ""},
			{"small-group", "", "few"},
			{"large-group", "", "many"},
			{"letter-in-small-group", "m", "few"},
			{"letter-in-large-group", "m", "many"},
		} {
			filter := account.Filter{Text: tc.text, Group: tc.group}
			read := func(b *testing.B, after string) (next string, found int) {
				b.Helper()
				list, next, err := s.Accounts.SearchAccounts(b.Context(), filter, after, searchPage)
				must(b, err)
				return next, len(list)
			}
			measure := func(name, after string) {
				b.Run(name, func(b *testing.B) {
					var spent meter
					found := 0
					spent.start()
					for b.Loop() {
						_, found = read(b, after)
					}
					spent.stop()
					spent.report(b)
					b.ReportMetric(float64(found), "rows")
				})
			}
			measure(tc.name, "")
			if tc.text != "m" && tc.text != "maria" || tc.group != "" {
				continue
			}
			last, pages := "", 0
			for next := ""; ; pages++ {
				if next, _ = read(b, next); next == "" {
					break
				}
				last = next
			}
			b.Logf("%s has %d pages", tc.name, pages)
			measure(tc.name+"-last-page", last)
		}
	})
}

// BenchmarkInsertAccounts creates accounts one by one, and imports them by the thousand; a call is
// one account.
func BenchmarkInsertAccounts(b *testing.B) {
	searchedEngines(b, func(b *testing.B, s *store.Store, _ string) {
		b.Helper()
		inserted := 0
		b.Run("create", func(b *testing.B) {
			var spent meter
			spent.start()
			for b.Loop() {
				must(b, s.Accounts.InsertAccount(b.Context(), searchedAccount(b, inserted).Account))
				inserted++
			}
			spent.stop()
			spent.report(b)
		})
		b.Run("import", func(b *testing.B) {
			var spent meter
			spent.start()
			var batch []account.Import
			for b.Loop() {
				batch = append(batch, searchedAccount(b, inserted))
				if inserted++; len(batch) == 1000 {
					_, _, err := s.Accounts.ImportAccounts(b.Context(), batch)
					must(b, err)
					batch = nil
				}
			}
			spent.stop()
			spent.report(b)
		})
	})
}
