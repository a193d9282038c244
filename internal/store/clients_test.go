package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

func TestClientRoundTrip(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		want := fixture.Client("rp")
		must(t, s.Clients.InsertClient(t.Context(), want))

		got, err := s.Clients.Client(t.Context(), "rp")
		must(t, err)
		wantSame(t, "client read back", got, want)
		wantSame(t, "NotBefore", got.TokensValidAfter, want.CreatedAt)

		wantErr(t, "InsertClient again", s.Clients.InsertClient(t.Context(), fixture.Client("rp")), client.ErrExists)
		_, err = s.Clients.Client(t.Context(), "unknown")
		wantErr(t, "Client of an unknown record", err, client.ErrNotFound)
	})
}

func TestClientUpdateIsCompareAndSet(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		mine, err := s.Clients.Client(t.Context(), "rp")
		must(t, err)
		theirs, err := s.Clients.Client(t.Context(), "rp")
		must(t, err)

		mine.ClientName, mine.Disabled, mine.RegistrationToken, mine.PreviousToken = "Mine", true, []byte{9}, []byte{8}
		must(t, s.Clients.UpdateClient(t.Context(), mine))
		wantErr(t, "UpdateClient of an old version", s.Clients.UpdateClient(t.Context(), theirs), client.ErrConflict)

		got, err := s.Clients.Client(t.Context(), "rp")
		must(t, err)
		wantSame(t, "client read back", got, mine)
		wantErr(t, "UpdateClient of an unknown record", s.Clients.UpdateClient(t.Context(), fixture.Client("unknown")), client.ErrNotFound)
	})
}

func TestClientSecretIsReplacedByCompareAndSet(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		c, err := s.Clients.Client(t.Context(), "rp")
		must(t, err)
		old := c.Secret
		must(t, s.Clients.ReplaceClientSecret(t.Context(), "rp", old, "sealed$new"))
		wantErr(t, "ReplaceClientSecret of an old one", s.Clients.ReplaceClientSecret(t.Context(), "rp", old, "sealed$newer"), client.ErrConflict)
		wantErr(t, "ReplaceClientSecret of an unknown record", s.Clients.ReplaceClientSecret(t.Context(), "unknown", old, "sealed$new"), client.ErrConflict)
		// A caller with the old version would write the old secret.
		wantErr(t, "UpdateClient with the old one", s.Clients.UpdateClient(t.Context(), c), client.ErrConflict)

		got, err := s.Clients.Client(t.Context(), "rp")
		must(t, err)
		c.Secret, c.Version = "sealed$new", c.Version+1
		wantSame(t, "client read back", got, c)
	})
}

func TestEndClientTokens(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		before := fixture.InsertGrant(t, s, nil)
		after := fixture.InsertGrant(t, s, func(g *grant.Grant) { g.CreatedAt = noon.Add(time.Minute) })
		fixture.WantLive(t, s, before.Locator, noon, true)

		stale, err := s.Clients.Client(t.Context(), "rp")
		must(t, err)
		must(t, s.Clients.EndClientTokens(t.Context(), "rp", noon.Add(time.Second)))
		must(t, s.Clients.EndClientTokens(t.Context(), "rp", noon.Add(-time.Minute)))
		fixture.WantLive(t, s, before.Locator, noon, false)
		fixture.WantLive(t, s, after.Locator, noon, true)
		wantErr(t, "LiveClient of a token from before", s.Grants.LiveClient(t.Context(), "rp", "j", noon, noon), grant.ErrNotFound)
		must(t, s.Grants.LiveClient(t.Context(), "rp", "j", noon.Add(time.Second), noon))

		wantErr(t, "UpdateClient with what was read before", s.Clients.UpdateClient(t.Context(), stale), client.ErrConflict)
		wantErr(t, "EndClientTokens of an unknown record", s.Clients.EndClientTokens(t.Context(), "unknown", noon), client.ErrNotFound)
	})
}

func TestDeletedClientLeavesNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		g := fixture.InsertGrant(t, s, nil)
		must(t, s.Sessions.InsertSession(t.Context(), fixture.Session("sid", "alice"), nil))
		must(t, s.Consents.SaveConsent(t.Context(), &consent.Consent{Subject: "alice", ClientID: "rp", Scopes: []string{"email"}, GivenAt: noon}))

		must(t, s.Clients.DeleteClient(t.Context(), "rp"))
		wantErr(t, "DeleteClient again", s.Clients.DeleteClient(t.Context(), "rp"), client.ErrNotFound)
		fixture.WantLive(t, s, g.Locator, noon, false)
		wantErr(t, "LiveClient", s.Grants.LiveClient(t.Context(), "rp", "", noon, noon), grant.ErrNotFound)

		again := fixture.Client("rp")
		again.CreatedAt = noon.Add(time.Minute)
		must(t, s.Clients.InsertClient(t.Context(), again))
		fixture.WantLive(t, s, g.Locator, noon, false)
		wantErr(t, "LiveClient of a token from before", s.Grants.LiveClient(t.Context(), "rp", "", noon, noon), grant.ErrNotFound)
		_, consent, err := s.Sessions.SessionAndConsent(t.Context(), fixture.CookieHash("sid"), "rp", noon)
		must(t, err)
		if consent != nil {
			t.Errorf("a client that used the id before left the consent %v", consent)
		}
	})
}

func TestDisabledClientHasNoLiveGrant(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		g := fixture.InsertGrant(t, s, nil)
		c, err := s.Clients.Client(t.Context(), "rp")
		must(t, err)
		c.Disabled = true
		must(t, s.Clients.UpdateClient(t.Context(), c))

		fixture.WantLive(t, s, g.Locator, noon, false)
		wantErr(t, "LiveClient", s.Grants.LiveClient(t.Context(), "rp", "", noon, noon), grant.ErrNotFound)
		_, err = s.Grants.RedeemCode(t.Context(), grant.CodeRedemption{Ref: g.Locator, ClientID: "rp", Now: noon})
		wantErr(t, "RedeemCode", err, grant.ErrNotFound)
	})
}

func TestClientsAreListedInPages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for _, id := range []string{"c", "a", "b"} {
			must(t, s.Clients.InsertClient(t.Context(), fixture.Client(id)))
		}
		var got []string
		for after := ""; ; {
			page, err := s.Clients.ListClients(t.Context(), after, 2)
			must(t, err)
			if len(page) == 0 {
				break
			}
			for _, c := range page {
				got = append(got, c.ID)
			}
			after = page[len(page)-1].ID
		}
		wantSame(t, "ids in pages of two", got, []string{"a", "b", "c"})
	})
}

func TestClientIsUpdatedWithoutItsConsents(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		fixture.Seed(t, s)
		other := fixture.Client("other")
		must(t, s.Clients.InsertClient(ctx, other))
		for _, id := range []string{"rp", "other"} {
			must(t, s.Consents.SaveConsent(ctx, &consent.Consent{Subject: "alice", ClientID: id, Scopes: []string{"openid"}, GivenAt: noon, ExpiresAt: noon.Add(day)}))
		}
		c, err := s.Clients.Client(ctx, "rp")
		must(t, err)
		stale := *c
		c.RedirectURIs = []string{"https://rp.example/elsewhere"}
		must(t, s.Clients.UpdateClientDroppingConsents(ctx, c))
		list, err := s.Consents.ListConsents(ctx, "alice", "", consent.Consent{}, 10, noon)
		must(t, err)
		if len(list) != 1 || list[0].ClientID != "other" {
			t.Errorf("consents %+v are left, want that for the other client alone", list)
		}
		got, err := s.Clients.Client(ctx, "rp")
		must(t, err)
		wantSame(t, "the redirect URIs", got.RedirectURIs, []string{"https://rp.example/elsewhere"})
		wantErr(t, "with what was read before", s.Clients.UpdateClientDroppingConsents(ctx, &stale), client.ErrConflict)
		wantErr(t, "for an unknown client", s.Clients.UpdateClientDroppingConsents(ctx, fixture.Client("unknown")), client.ErrNotFound)
	})
}

func TestClientImport(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		first := func() []*client.Client { return []*client.Client{fixture.Client("a"), fixture.Client("b")} }
		wantImport(t, s, first(), 2, 0)
		wantImport(t, s, first(), 0, 0)

		changed := first()
		changed[1].ClientName, changed[1].Secret, changed[1].UpdatedAt = "Changed", "", noon
		wantImport(t, s, append(changed, fixture.Client("c")), 1, 1)

		a, err := s.Clients.Client(t.Context(), "a")
		must(t, err)
		wantSame(t, "version of the client that did not change", a.Version, int64(1))
		b, err := s.Clients.Client(t.Context(), "b")
		must(t, err)
		want := fixture.Client("b")
		want.ClientName, want.UpdatedAt, want.Version, want.TokensValidAfter = "Changed", noon, 2, want.CreatedAt
		want.SecretCreatedAt = want.CreatedAt
		wantSame(t, "the client that changed", b, want)
	})
}

func TestClientImportIsAllOrNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		bad := fixture.Client("bad")
		bad.JWKS = json.RawMessage(`{"keys":`)
		_, _, err := s.Clients.ImportClients(t.Context(), []*client.Client{fixture.Client("a"), bad, fixture.Client("c")})
		if err == nil || !strings.Contains(err.Error(), "client 2 (bad)") {
			t.Errorf("ImportClients with a bad second entry = %v, want an error that names it", err)
		}
		list, err := s.Clients.ListClients(t.Context(), "", 10)
		must(t, err)
		if len(list) != 0 {
			t.Errorf("a failed import left %d clients, want none", len(list))
		}
	})
}

func wantImport(t *testing.T, s *store.Store, clients []*client.Client, created, updated int) {
	t.Helper()
	c, u, err := s.Clients.ImportClients(t.Context(), clients)
	if err != nil || c != created || u != updated {
		t.Errorf("ImportClients = %d created, %d updated, %v, want %d, %d", c, u, err, created, updated)
	}
}

func TestClientsAreInsertedTogetherOrNotAtAll(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		if err := s.Clients.InsertClients(ctx, []*client.Client{fixture.Client("a"), fixture.Client("b")}); err != nil {
			t.Fatal(err)
		}
		err := s.Clients.InsertClients(ctx, []*client.Client{fixture.Client("c"), fixture.Client("a")})
		wantErr(t, "InsertClients with a client that exists", err, client.ErrExists)
		list, err := s.Clients.ListClients(ctx, "", 10)
		if err != nil || len(list) != 2 {
			t.Errorf("%d clients are stored (%v), want a and b", len(list), err)
		}
	})
}

func TestInvalidTextIsNotUnavailable(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for _, text := range []string{"nul\x00nul", "\xff\xfe", strings.Repeat("long", 1<<16)} {
			_, err := s.Clients.Client(t.Context(), text)
			if isUnavailable(err) {
				t.Errorf("Client(%.10q) = %v, want an error that is no outage", text, err)
			}
			if err := s.Clients.InsertClient(t.Context(), fixture.Client(text)); isUnavailable(err) {
				t.Errorf("InsertClient(%.10q) = %v, want an error that is no outage", text, err)
			}
		}
	})
}

func isUnavailable(err error) bool {
	var lost interface{ Unavailable() bool }
	return errors.As(err, &lost) && lost.Unavailable()
}

func TestClientsAreFound(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		for i, owner := range []string{"us", "them", "us"} {
			c := fixture.Client(fmt.Sprint("c", i))
			c.ClientName, c.Owner = "Shop", owner
			c.RotatedSecrets = []client.RotatedSecret{{Secret: "old", ExpiresAt: noon}}
			must(t, s.Clients.InsertClient(ctx, c))
		}
		find := func(f client.Filter, after string, skip, limit int, want ...string) {
			t.Helper()
			list, err := s.Clients.FindClients(ctx, f, after, skip, limit)
			must(t, err)
			var ids []string
			for _, c := range list {
				ids = append(ids, c.ID)
			}
			wantSame(t, "found", ids, want)
		}
		find(client.Filter{}, "", 0, 2, "c0", "c1")
		find(client.Filter{}, "c0", 1, 2, "c2")
		find(client.Filter{Owner: "us"}, "", 0, 9, "c0", "c2")
		find(client.Filter{Name: "Shop", Owner: "them"}, "", 0, 9, "c1")
		find(client.Filter{Name: "Other"}, "", 0, 9)
		n, err := s.Clients.CountClients(ctx, client.Filter{Owner: "us"})
		must(t, err)
		wantSame(t, "how many", n, 2)

		c, err := s.Clients.Client(ctx, "c1")
		must(t, err)
		wantSame(t, "secrets of before", c.RotatedSecrets, []client.RotatedSecret{{Secret: "old", ExpiresAt: noon}})
		c.Owner, c.RotatedSecrets = "us", nil
		must(t, s.Clients.UpdateClient(ctx, c))
		find(client.Filter{Owner: "us"}, "", 0, 9, "c0", "c1", "c2")
	})
}

// An import by an operator sets the scope of a client that registered itself.
func TestImportSetsTheScopeOfASelfRegisteredClient(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		own := fixture.Client("own")
		own.Dynamic = true
		must(t, s.Clients.InsertClient(ctx, own))
		for _, step := range []struct {
			scope string
			want  bool
		}{{"openid email", false}, {"openid email api", true}, {"openid email api", true}} {
			c := fixture.Client("own")
			c.Scope, c.Secret = step.scope, ""
			if _, _, err := s.Clients.ImportClients(ctx, []*client.Client{c}); err != nil {
				t.Fatal(err)
			}
			kept, err := s.Clients.Client(ctx, "own")
			must(t, err)
			if kept.OperatorScope != step.want || kept.Scope != step.scope {
				t.Errorf("after an import of %q the scope is %q, the operator's: %v", step.scope, kept.Scope, kept.OperatorScope)
			}
		}
	})
}
