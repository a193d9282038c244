package store_test

import (
	"context"

	"github.com/ostiary/ostiary/internal/onetimelink"
	"github.com/ostiary/ostiary/internal/signup"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// linkMethods are the methods for one-time links and sign-ups.
var linkMethods = map[string]call{
	"AccountByAddress": func(ctx context.Context, s *store.Store) error {
		_, err := s.Accounts.AccountByAddress(ctx, "alice@rp.example")
		return err
	},
	"AcceptInvitation": func(ctx context.Context, s *store.Store) error {
		return s.OneTimeLinks.AcceptInvitation(ctx, &onetimelink.Link{}, fixture.Account("alice"), nil, noon)
	},
	"InsertLink": func(ctx context.Context, s *store.Store) error {
		return s.OneTimeLinks.InsertLink(ctx, &onetimelink.Link{Subject: "alice"})
	},
	"Link": func(ctx context.Context, s *store.Store) error {
		_, err := s.OneTimeLinks.Link(ctx, []byte("hash"), noon)
		return err
	},
	"ProveLink": func(ctx context.Context, s *store.Store) error {
		return s.OneTimeLinks.ProveLink(ctx, []byte("hash"), noon)
	},
	"RecoverPassword": func(ctx context.Context, s *store.Store) error {
		return s.OneTimeLinks.RecoverPassword(ctx, &onetimelink.Link{Subject: "alice"}, fixture.Account("alice"), "hash", nil, noon)
	},
	"SpendLink": func(ctx context.Context, s *store.Store) error {
		return s.OneTimeLinks.SpendLink(ctx, &onetimelink.Link{}, noon)
	},
	"VerifyAddress": func(ctx context.Context, s *store.Store) error {
		return s.OneTimeLinks.VerifyAddress(ctx, &onetimelink.Link{Subject: "alice"}, noon)
	},
	"AcceptTerms": func(ctx context.Context, s *store.Store) error {
		return s.Terms.AcceptTerms(ctx, "alice", "2026", noon)
	},
	"RecordBreachCheck": func(ctx context.Context, s *store.Store) error {
		return s.BreachChecks.RecordBreachCheck(ctx, "alice", "hash", true, noon)
	},
	"CheckSignUpCode": func(ctx context.Context, s *store.Store) error {
		return s.SignUps.CheckSignUpCode(ctx, "id", []byte("hash"), noon)
	},
	"CompleteSignUp": func(ctx context.Context, s *store.Store) error {
		return s.SignUps.CompleteSignUp(ctx, "id", fixture.Account("alice"), noon)
	},
	"InsertSignUp": func(ctx context.Context, s *store.Store) error {
		return s.SignUps.InsertSignUp(ctx, &signup.SignUp{ID: "id"})
	},
	"SetSignUpCode": func(ctx context.Context, s *store.Store) error {
		return s.SignUps.SetSignUpCode(ctx, "id", []byte("hash"), noon)
	},
	"SignUp": func(ctx context.Context, s *store.Store) error {
		_, err := s.SignUps.SignUp(ctx, "id", noon)
		return err
	},
	"SignUpOf": func(ctx context.Context, s *store.Store) error {
		_, err := s.SignUps.SignUpOf(ctx, []byte("hash"), noon)
		return err
	},
}
