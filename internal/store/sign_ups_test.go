package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/onetimelink"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/signup"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

func aSignUp(username string, at time.Time) *signup.SignUp {
	return &signup.SignUp{
		ID: signup.NewID(), Browser: session.Hash("browser of " + username), Request: "request", Username: username, PasswordHash: "$hash",
		Claims: map[string]any{"preferred_username": username}, Address: username + "@rp.example", Remember: true,
		CreatedAt: at, ExpiresAt: at.Add(signup.Lifetime),
	}
}

func TestSignUpIsStored(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		want := aSignUp("grace", noon)
		must(t, s.SignUps.InsertSignUp(t.Context(), want))
		must(t, s.SignUps.InsertSignUp(t.Context(), aSignUp("other", noon)))
		got, err := s.SignUps.SignUp(t.Context(), want.ID, noon)
		must(t, err)
		wantSame(t, "the sign-up", got, want)
		got, err = s.SignUps.SignUpOf(t.Context(), want.Browser, noon)
		must(t, err)
		wantSame(t, "the sign-up of the browser", got, want)
		_, err = s.SignUps.SignUp(t.Context(), want.ID, want.ExpiresAt)
		wantErr(t, "an expired sign-up", err, signup.ErrNotFound)
	})
}

// Of any number of callers one creates the account. A taken username leaves the sign-up.
func TestOneCallerCompletesASignUp(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		one, two := storetest.Open(t, url), storetest.Open(t, url)
		n := aSignUp("grace", noon)
		must(t, one.SignUps.InsertSignUp(t.Context(), n))
		must(t, one.Accounts.InsertAccount(t.Context(), fixture.Account("taken")))
		n.Username = fixture.Account("taken").Username
		a, err := n.Account(noon)
		must(t, err)
		wantErr(t, "a taken username", one.SignUps.CompleteSignUp(t.Context(), n.ID, a, noon), account.ErrExists)
		n.Username = "grace"
		results := fixture.Race(t, one, two, func(ctx context.Context, s *store.Store) error {
			a, err := n.Account(noon)
			if err != nil {
				return err
			}
			return s.SignUps.CompleteSignUp(ctx, n.ID, a, noon)
		})
		fixture.WantOneWinner(t, results, signup.ErrNotFound)
	})
}

// Of any number of attempts at a code no more than five are compared.
func TestSignUpCodeAttempts(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		one, two := storetest.Open(t, url), storetest.Open(t, url)
		n := aSignUp("grace", noon)
		must(t, one.SignUps.InsertSignUp(t.Context(), n))
		must(t, one.SignUps.SetSignUpCode(t.Context(), n.ID, []byte("code"), noon.Add(onetimelink.CodeLifetime)))
		right := func(ctx context.Context, s *store.Store) error {
			return s.SignUps.CheckSignUpCode(ctx, n.ID, []byte("code"), noon)
		}
		accepted := 0
		for _, err := range fixture.Race(t, one, two, right) {
			if err == nil {
				accepted++
			}
		}
		if accepted != onetimelink.CodeTries {
			t.Errorf("%d attempts were compared, want %d", accepted, onetimelink.CodeTries)
		}
	})
}

// The oldest sign-ups go when there are too many.
func TestSignUpsAreBounded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		s.BoundSignUps(1)
		old, recent := aSignUp("old", noon), aSignUp("recent", noon.Add(time.Second))
		must(t, s.SignUps.InsertSignUp(t.Context(), old))
		must(t, s.SignUps.InsertSignUp(t.Context(), recent))
		_, err := s.Purge(t.Context(), noon)
		must(t, err)
		_, err = s.SignUps.SignUp(t.Context(), old.ID, noon)
		wantErr(t, "the older sign-up", err, signup.ErrNotFound)
		_, err = s.SignUps.SignUp(t.Context(), recent.ID, noon)
		must(t, err)
	})
}
