package store_test

import (
	"context"
	"crypto/rand"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

func administrator(subject string) *account.Account {
	a := fixture.Account(subject)
	a.AdminRole = account.Owner
	return a
}

// Every caller has a different valid link, but there is only one first administrator.
func TestOneSetupLinkIsRedeemed(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		one, two := storetest.Open(t, url), storetest.Open(t, url)
		const links = 32
		link := func(i int64) []byte { return session.Hash("link " + strconv.FormatInt(i, 10)) }
		for i := range int64(links) {
			must(t, one.SetupLinks.InsertSetupLink(t.Context(), link(i+1), noon.Add(time.Minute)))
		}
		var callers atomic.Int64
		results := fixture.Race(t, one, two, func(ctx context.Context, s *store.Store) error {
			return s.SetupLinks.RedeemSetupLink(ctx, link(callers.Add(1)), administrator(rand.Text()), nil, "192.0.2.1", noon)
		})
		fixture.WantOneWinner(t, results, account.ErrSetupLink)
		for i := range int64(links) {
			wantErr(t, "a link that is left over", one.SetupLinks.SetupLink(t.Context(), link(i+1), noon), account.ErrSetupLink)
		}
	})
}

func TestSetupLinksAreInvalidWithAnAdministrator(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		must(t, s.Accounts.InsertAccount(t.Context(), administrator("root")))
		link := session.Hash("link")
		must(t, s.SetupLinks.InsertSetupLink(t.Context(), link, noon.Add(time.Minute)))
		wantErr(t, "RedeemSetupLink", s.SetupLinks.RedeemSetupLink(t.Context(), link, administrator("second"), nil, "192.0.2.1", noon), account.ErrSetupLink)
		_, err := s.Accounts.Account(t.Context(), "second")
		wantErr(t, "the second administrator", err, account.ErrNotFound)
	})
}
