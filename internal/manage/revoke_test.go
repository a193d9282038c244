package manage_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

var errOutput = errors.New("the output is closed")

// The text of a key is valid for its scopes and lifetime, and is not stored.
func TestCreateAPIKey(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		for lifetime, expires := range map[time.Duration]time.Time{0: {}, time.Hour: later.Add(time.Hour)} {
			announced := ""
			k, text, err := o.apiKeys.Create(t.Context(), manage.NewAPIKey{
				Name: "ci", Scopes: []string{apikey.TokensRead, apikey.ClientsWrite, apikey.TokensRead}, Lifetime: lifetime,
			}, func(id string) {
				announced = id
				_, err := o.APIKeys.APIKey(t.Context(), id)
				wantErr(t, "APIKey before it is stored", err, apikey.ErrNotFound)
			})
			must(t, err)
			wantSame(t, "announced", announced, k.ID)
			stored, err := o.APIKeys.APIKey(t.Context(), k.ID)
			must(t, err)
			wantSame(t, "name", stored.Name, "ci")
			wantSame(t, "scopes", stored.Scopes, []string{apikey.ClientsWrite, apikey.TokensRead})
			wantSame(t, "created", stored.CreatedAt.Equal(later), true)
			wantSame(t, "expires", stored.ExpiresAt.Equal(expires), true)
			wantSame(t, "the text is valid", stored.Matches(text, later), true)
		}
	})
}

func TestRevokeAPIKeys(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		var ids []string
		for range 3 {
			k, _, err := o.apiKeys.Create(t.Context(), manage.NewAPIKey{Scopes: []string{apikey.ClientsRead}}, func(string) {})
			must(t, err)
			ids = append(ids, k.ID)
		}
		var revoked []string
		err := o.apiKeys.Revoke(t.Context(), ids[:2], func(id string) error {
			revoked = append(revoked, id)
			_, err := o.APIKeys.APIKey(t.Context(), id)
			wantErr(t, "APIKey when it is reported as revoked", err, apikey.ErrNotFound)
			return errOutput
		})
		wantErr(t, "Revoke", err, errOutput)
		wantSame(t, "revoked until the callback failed", revoked, ids[:1])
		// Another operator revokes a key at the same time.
		revoked = nil
		must(t, o.apiKeys.Revoke(t.Context(), ids[1:], func(id string) error {
			revoked = append(revoked, id)
			if id == ids[1] {
				return o.APIKeys.DeleteAPIKey(t.Context(), ids[2])
			}
			return nil
		}))
		wantSame(t, "revoked", revoked, ids[1:])
		wantSame(t, "keys", len(o.records(t).APIKeys), 0)
	})
}

// An ended session has no valid grant, and its clients are notified.
func TestEndSessions(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		grants := map[string]*grant.Grant{"sid": o.seed(t), "other": o.signIn(t, "other"), "kept": o.signIn(t, "kept")}
		var ended []string
		must(t, o.sessions.End(t.Context(), []string{"sid", "other", "sid"}, func(id string) error {
			ended = append(ended, id)
			wantSame(t, "a notice when the end is reported", slices.Contains(o.noticesOf(t), id), true)
			return nil
		}))
		wantSame(t, "ended", ended, []string{"sid", "other", "sid"})
		for id, g := range grants {
			fixture.WantLive(t, o.Store, g.Locator, later, id == "kept")
		}
		r := o.records(t)
		wantSame(t, "sessions", len(r.Sessions), 1)
		wantSame(t, "notices", len(r.Notices), 2)
		wantErr(t, "End", o.sessions.End(t.Context(), []string{"kept"}, func(string) error { return errOutput }), errOutput)
	})
}

// Grants of both kinds of partitions are found by ID.
func TestRevokeGrants(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		weekly := o.seed(t)
		hourly := fixture.InsertGrant(t, o.Store, func(g *grant.Grant) {
			g.Partition, g.EndsAt = grant.PartitionAt(noon, false), noon.Add(time.Hour)
		})
		expired := fixture.InsertGrant(t, o.Store, func(g *grant.Grant) { g.EndsAt = later })
		kept := fixture.InsertGrant(t, o.Store, nil)
		var revoked []grant.ID
		report := func(id grant.ID) error { revoked = append(revoked, id); return nil }
		wantText(t, "Revoke of an expired grant", o.grants.Revoke(t.Context(), []string{hourly.ID.String(), expired.ID.String()}, report), "no active grant has this ID")
		must(t, o.grants.Revoke(t.Context(), []string{weekly.ID.String(), hourly.ID.String()}, report))
		wantSame(t, "revoked", revoked, []grant.ID{weekly.ID, hourly.ID})
		for _, g := range []*grant.Grant{weekly, hourly} {
			fixture.WantLive(t, o.Store, g.Locator, later, false)
		}
		fixture.WantLive(t, o.Store, kept.Locator, noon, true)
		wantErr(t, "Revoke", o.grants.Revoke(t.Context(), []string{kept.ID.String()}, func(grant.ID) error { return errOutput }), errOutput)
		wantSame(t, "sessions", len(o.records(t).Sessions), 1)
	})
}

// seedNotices adds a notice in each state, and a pending one of another client. It returns
// their IDs by state, and by client for the last.
func (o *operator) seedNotices(t *testing.T) map[string]string {
	t.Helper()
	ctx, ids := t.Context(), map[string]string{}
	o.seed(t)
	must(t, o.Clients.InsertClient(ctx, fixture.LogoutClient("other")))
	for _, state := range []outbox.State{outbox.Delivered, outbox.Failed, outbox.Pending} {
		o.signIn(t, string(state))
		fixture.EndSession(t, o.Store, string(state), noon)
		n, err := o.Outbox.ClaimNotice(ctx, "notified", noon, noon.Add(time.Hour))
		must(t, err)
		if state != outbox.Pending {
			must(t, o.Outbox.EndNotice(ctx, n, state, noon))
		}
		ids[string(state)] = n.ID
	}
	must(t, o.Sessions.JoinSession(ctx, "sid", "other", "", noon))
	fixture.EndSession(t, o.Store, "sid", noon)
	for _, n := range o.records(t).Notices {
		if n.ClientID == "other" {
			ids["other"] = n.ID
		}
	}
	return ids
}

// due returns the names of the notices that are due immediately, in order.
func (o *operator) due(t *testing.T, ids map[string]string) (names []string) {
	t.Helper()
	for _, n := range o.records(t).Notices {
		for name, id := range ids {
			if n.ID == id && n.State == outbox.Pending && n.DueAt.Equal(later) && n.Attempts == 0 && n.ExpiresAt.Equal(later.Add(outbox.RetryPeriod)) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// A retried notice is due immediately, with all attempts.
func TestRetryNotices(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		ids := o.seedNotices(t)
		_, err := o.notices.Retry(t.Context(), []string{ids["failed"], ids["delivered"]})
		wantText(t, "Retry of a delivered notice", err, ids["delivered"]+": no undelivered notice has this ID")
		wantSame(t, "due", o.due(t, ids), []string(nil))
		count, err := o.notices.Retry(t.Context(), []string{ids["failed"]})
		must(t, err)
		wantSame(t, "retried", count, 1)
		wantSame(t, "due", o.due(t, ids), []string{"failed"})
		count, err = o.notices.RetryAll(t.Context(), "other")
		must(t, err)
		wantSame(t, "retried of one client", count, 1)
		wantSame(t, "due", o.due(t, ids), []string{"failed", "other"})
		count, err = o.notices.RetryAll(t.Context(), "")
		must(t, err)
		wantSame(t, "retried of all clients", count, 4) // with that of the session sid for notified
		wantSame(t, "due", o.due(t, ids), []string{"failed", "other", "pending"})
		none, err := o.notices.RetryAll(t.Context(), "unknown")
		must(t, err)
		wantSame(t, "retried of an unknown client", none, 0)
	})
}

func TestDeleteNotices(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		ids := o.seedNotices(t)
		// Another operator deletes the second notice at the same time.
		var deleted []string
		must(t, o.notices.Delete(t.Context(), []string{ids["pending"], ids["delivered"]}, func(id string) error {
			deleted = append(deleted, id)
			if id == ids["pending"] {
				return o.Outbox.DeleteNotice(t.Context(), ids["delivered"])
			}
			return nil
		}))
		wantSame(t, "deleted", deleted, []string{ids["pending"], ids["delivered"]})
		wantErr(t, "Delete", o.notices.Delete(t.Context(), []string{ids["failed"], ids["other"]}, func(string) error { return errOutput }), errOutput)
		var left []string
		for _, n := range o.records(t).Notices {
			left = append(left, n.SessionID)
		}
		wantSame(t, "sessions of the notices that are left", left, []string{"sid", "sid"})
	})
}
