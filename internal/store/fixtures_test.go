package store_test

import (
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

var noon = fixture.Noon

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func wantErr(tb testing.TB, what string, got, want error) {
	tb.Helper()
	if !errors.Is(got, want) {
		tb.Errorf("%s = %v, want %v", what, got, want)
	}
}

func wantSame(tb testing.TB, what string, got, want any) {
	tb.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// damage overwrites the start of a file.
func damage(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for i := range min(len(text), 4096) {
		text[i] = 'x'
	}
	return os.WriteFile(path, text, 0o600)
}

// imports returns entries for accounts that replace the claims and addresses, and set only the
// role of administrators.
func imports(accounts ...*account.Account) (all []account.Import) {
	for _, a := range accounts {
		claims, addresses := a.Claims, a.Addresses
		all = append(all, account.Import{Account: a, Change: func(known *account.Account) error {
			known.Claims = claims
			if a.AdminRole != account.NoAdminRole {
				known.AdminRole = a.AdminRole
			}
			return known.SetAddresses(addresses)
		}})
	}
	return all
}
