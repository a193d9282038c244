//go:build unix

package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// searchedAccounts is the number of accounts of BenchmarkSearchAccounts.
const searchedAccounts = 100_000

// syllables make names of which a prefix finds some thousands, dozens or one.
func syllables(i int) string {
	all := []string{"ka", "lo", "mi", "ne", "ru", "sa", "te", "vo", "xi", "zu"}
	var b strings.Builder
	for range 5 {
		b.WriteString(all[i%10])
		i /= 10
	}
	return b.String()
}

// BenchmarkSearchAccounts reads the first page of a search for a prefix, among 100,000 accounts.
func BenchmarkSearchAccounts(b *testing.B) {
	for engine, url := range map[string]func(testing.TB) string{
		"sqlite": storetest.SQLiteURL,
		"postgres": func(tb testing.TB) string {
			tb.Helper()
			return storetest.StartPostgres(tb, storetest.Options{}).URL()
		},
	} {
		b.Run(engine, func(b *testing.B) {
			s := storetest.Open(b, url(b))
			_, err := s.Migrate(b.Context())
			must(b, err)
			for start := 0; start < searchedAccounts; start += 5000 {
				var batch []account.Import
				for i := start; i < start+5000; i++ {
					a := fixture.Account(fmt.Sprintf("person-%06d", i))
					a.Username = "u" + syllables(i)
					a.Addresses = nil
					must(b, a.SetClaims(map[string]any{
						"name": "N" + syllables(i) + " F" + syllables(i/7), "given_name": "N" + syllables(i), "family_name": "F" + syllables(i/7),
						"email": fmt.Sprintf("m%s@rp%d.example", syllables(i), i),
					}, nil, noon))
					batch = append(batch, account.Import{Account: a, Change: func(*account.Account) error { return nil }})
				}
				_, _, err := s.Accounts.ImportAccounts(b.Context(), batch)
				must(b, err)
			}
			for name, prefix := range map[string]string{
				"username": "uka", "address": "mlomi", "given name": "nru", "family name": "fsate", "one": "umiminelosa", "everybody": "u", "nobody": "qq",
			} {
				b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
					for b.Loop() {
						_, err := s.Accounts.SearchAccounts(b.Context(), account.Filter{Prefix: prefix}, "", 250)
						must(b, err)
					}
				})
			}
		})
	}
}
