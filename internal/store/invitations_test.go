package store_test

import (
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/onetimelink"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Open invitations are listed by address, renewed while they are open, and withdrawn once.
func TestInvitations(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		invitation := func(key string, at time.Time) *onetimelink.Link {
			l, _ := onetimelink.New(onetimelink.Invitation, "", key, at)
			l.Data = onetimelink.Data{Groups: []string{"staff"}, InvitedBy: "ada"}
			return l
		}
		open := func(now time.Time, want ...string) {
			t.Helper()
			var keys []string
			for after := ""; ; {
				list, err := s.OneTimeLinks.ListInvitations(ctx, after, 2, now)
				must(t, err)
				for _, l := range list {
					keys = append(keys, l.Address)
				}
				if len(list) < 2 {
					break
				}
				after = list[1].Address
			}
			wantSame(t, "open invitations", keys, want)
		}
		spent := invitation("spent@example.org", noon)
		must(t, s.OneTimeLinks.InsertInvitations(ctx, []*onetimelink.Link{
			invitation("b@example.org", noon), invitation("a@example.org", noon), invitation("old@example.org", noon.Add(-7*day)), spent, invitation("c@example.org", noon),
		}, []*mail.Message{mail.New(mail.Invitation, "a@example.org", noon)}))
		must(t, s.OneTimeLinks.SpendLink(ctx, spent, noon))
		other, _ := onetimelink.New(onetimelink.Verify, "alice", "d@example.org", noon)
		must(t, s.OneTimeLinks.InsertLink(ctx, other))
		open(noon, "a@example.org", "b@example.org", "c@example.org")
		invited, err := s.OneTimeLinks.Invited(ctx, []string{"a@example.org", "spent@example.org", "old@example.org", "d@example.org"}, noon)
		must(t, err)
		wantSame(t, "invited", invited, []string{"a@example.org"})
		mails, err := s.Mails.ListMails(ctx, store.MailFilter{}, "", 10)
		if err != nil || len(mails) != 1 {
			t.Errorf("%d messages, %v, want 1", len(mails), err)
		}

		later := noon.Add(6 * day)
		must(t, s.OneTimeLinks.RenewInvitation(ctx, invitation("b@example.org", later)))
		wantErr(t, "renewing a used one", s.OneTimeLinks.RenewInvitation(ctx, invitation("spent@example.org", noon)), onetimelink.ErrInvalid)
		var all sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			all.Go(func() { errs[i] = s.OneTimeLinks.DeleteInvitation(ctx, "a@example.org", noon) })
		}
		all.Wait()
		withdrawn := 0
		for _, err := range errs {
			if err == nil {
				withdrawn++
			} else {
				wantErr(t, "withdrawing it again", err, onetimelink.ErrInvalid)
			}
		}
		if withdrawn != 1 {
			t.Errorf("withdrawn %d times, want once", withdrawn)
		}
		wantErr(t, "renewing a withdrawn one", s.OneTimeLinks.RenewInvitation(ctx, invitation("a@example.org", noon)), onetimelink.ErrInvalid)
		open(noon, "b@example.org", "c@example.org")
		open(noon.Add(8*day), "b@example.org")
	})
}

// The numbers on the pages of groups and attributes follow the accounts, and have a maximum.
func TestCountsOfGroupsAndAttributes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		must(t, s.Groups.InsertGroup(ctx, &account.Group{Name: "staff", CreatedAt: noon, UpdatedAt: noon}))
		count := func(members, users int) {
			t.Helper()
			m, err := s.Groups.CountMembers(ctx, "staff", 3)
			must(t, err)
			u, err := s.Attributes.CountUsers(ctx, "team", 3)
			must(t, err)
			if m != members || u != users {
				t.Errorf("%d members and %d users with a value, want %d and %d", m, u, members, users)
			}
		}
		change := func(subject string, change func(a *account.Account)) {
			t.Helper()
			_, err := s.Accounts.ChangeAccount(ctx, subject, noon, func(a *account.Account) error { change(a); return nil })
			must(t, err)
		}
		count(0, 0)
		for _, name := range []string{"anna", "bert", "carl", "dora"} {
			a := &account.Account{Subject: name, Username: name, CreatedAt: noon, UpdatedAt: noon, Groups: []string{"staff"}}
			if name == "anna" {
				a.Attributes = map[string]any{"team": "blue", "floor": 3.0}
			}
			must(t, s.Accounts.InsertAccount(ctx, a))
		}
		count(3, 1)
		change("bert", func(a *account.Account) { a.Attributes = map[string]any{"team": "red"} })
		count(3, 2)
		change("anna", func(a *account.Account) { a.Attributes = map[string]any{"floor": 3.0} })
		change("carl", func(a *account.Account) { a.Groups = nil })
		change("dora", func(a *account.Account) { a.Groups = nil })
		count(2, 1)
		change("bert", func(a *account.Account) { a.Attributes = nil })
		count(2, 0)
		change("anna", func(a *account.Account) { a.Attributes = map[string]any{"team": "blue"} })
		must(t, s.Accounts.DeleteAccount(ctx, "anna", noon))
		count(1, 0)

		for id, groups := range map[string][]string{"wiki": {"staff", "guests"}, "shop": {"guests"}, "open": nil} {
			must(t, s.Clients.InsertClient(ctx, &client.Client{ID: id, Metadata: client.Metadata{AllowedGroups: groups}, CreatedAt: noon, UpdatedAt: noon}))
		}
		list, err := s.Clients.ClientsOfGroup(ctx, "staff")
		if err != nil || len(list) != 1 || list[0].ID != "wiki" {
			t.Errorf("clients of the group: %v, %v", list, err)
		}
	})
}
