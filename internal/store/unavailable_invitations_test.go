package store_test

import (
	"context"

	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/onetimelink"
	"github.com/ostiary/ostiary/internal/store"
)

// invitationMethods are the methods for invitations, and for the numbers on pages of administrators.
var invitationMethods = map[string]call{
	"ListInvitations": func(ctx context.Context, s *store.Store) error {
		_, err := s.OneTimeLinks.ListInvitations(ctx, "", 1, noon)
		return err
	},
	"Invitation": func(ctx context.Context, s *store.Store) error {
		_, err := s.OneTimeLinks.Invitation(ctx, "a@example.org", noon)
		return err
	},
	"Invited": func(ctx context.Context, s *store.Store) error {
		_, err := s.OneTimeLinks.Invited(ctx, []string{"a@example.org"}, noon)
		return err
	},
	"VerifiedAddresses": func(ctx context.Context, s *store.Store) error {
		_, err := s.OneTimeLinks.VerifiedAddresses(ctx, []string{"a@example.org"})
		return err
	},
	"InsertInvitations": func(ctx context.Context, s *store.Store) error {
		return s.OneTimeLinks.InsertInvitations(ctx, []*onetimelink.Link{{Kind: onetimelink.Invitation}}, []*mail.Message{{ID: "1"}})
	},
	"RenewInvitation": func(ctx context.Context, s *store.Store) error {
		return s.OneTimeLinks.RenewInvitation(ctx, &onetimelink.Link{Kind: onetimelink.Invitation})
	},
	"DeleteInvitation": func(ctx context.Context, s *store.Store) error {
		return s.OneTimeLinks.DeleteInvitation(ctx, "a@example.org", noon)
	},
	"ResetFactors": func(ctx context.Context, s *store.Store) error {
		return s.SecondFactors.ResetFactors(ctx, "alice", noon)
	},
	"CountMembers": func(ctx context.Context, s *store.Store) error {
		_, err := s.Groups.CountMembers(ctx, "staff", 1)
		return err
	},
	"CountUsers": func(ctx context.Context, s *store.Store) error {
		_, err := s.Attributes.CountUsers(ctx, "team", 1)
		return err
	},
	"ClientsOfGroup": func(ctx context.Context, s *store.Store) error {
		_, err := s.Clients.ClientsOfGroup(ctx, "staff")
		return err
	},
}
