package store_test

import (
	"context"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/secondfactor"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// secondFactorMethods are the methods that second factors use.
var secondFactorMethods = map[string]call{
	"RecordFirstFactor": func(ctx context.Context, s *store.Store) error {
		return s.SignIns.RecordFirstFactor(ctx, "request", &authrequest.FirstFactor{}, noon)
	},
	"RecordFactorDeclined": func(ctx context.Context, s *store.Store) error {
		return s.SignIns.RecordFactorDeclined(ctx, "request", "alice", noon)
	},
	"EnrolmentDeadline": func(ctx context.Context, s *store.Store) error {
		_, err := s.Deadlines.EnrolmentDeadline(ctx, "alice", noon)
		return err
	},
	"Factors": func(ctx context.Context, s *store.Store) error {
		_, err := s.SecondFactors.Factors(ctx, "alice")
		return err
	},
	"AcceptStep": func(ctx context.Context, s *store.Store) error {
		return s.SecondFactors.AcceptStep(ctx, "alice", "id", 1, noon)
	},
	"RedeemRecoveryCode": func(ctx context.Context, s *store.Store) error {
		_, err := s.SecondFactors.RedeemRecoveryCode(ctx, "alice", []byte("hash"), noon)
		return err
	},
	"ReplaceRecoveryCodes": func(ctx context.Context, s *store.Store) error {
		return s.SecondFactors.ReplaceRecoveryCodes(ctx, "alice", secondfactor.RecoveryCodes{}, nil)
	},
	"Enrolments": func(ctx context.Context, s *store.Store) error {
		_, err := s.SecondFactors.Enrolments(ctx, "alice")
		return err
	},
	"InsertAuthenticator": func(ctx context.Context, s *store.Store) error {
		return s.SecondFactors.InsertAuthenticator(ctx, &secondfactor.Authenticator{Subject: "alice"}, 0, 5)
	},
	"DeleteAuthenticator": func(ctx context.Context, s *store.Store) error {
		return s.SecondFactors.DeleteAuthenticator(ctx, "alice", "id", noon)
	},
	"InsertTrustedDevice": func(ctx context.Context, s *store.Store) error {
		return s.TrustedDevices.InsertTrustedDevice(ctx, []byte("digest"), fixture.Account("alice"), noon, noon)
	},
	"TrustedDevice": func(ctx context.Context, s *store.Store) error {
		_, err := s.TrustedDevices.TrustedDevice(ctx, []byte("digest"), "alice", noon)
		return err
	},
	"DeleteTrustedDevices": func(ctx context.Context, s *store.Store) error {
		return s.TrustedDevices.DeleteTrustedDevices(ctx, "alice")
	},
	"ListSealed": func(ctx context.Context, s *store.Store) error {
		_, err := s.SecondFactors.ListSealed(ctx, secondfactor.Sealed{}, 1)
		return err
	},
	"ReplaceSealed": func(ctx context.Context, s *store.Store) error {
		return s.SecondFactors.ReplaceSealed(ctx, secondfactor.Sealed{}, nil)
	},
}
