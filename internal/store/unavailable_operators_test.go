package store_test

import (
	"context"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/keyset"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/statistics"
	"github.com/ostiary/ostiary/internal/store"
)

var operatorMethods = map[string]call{
	"InsertAPIKey": func(ctx context.Context, s *store.Store) error { return s.APIKeys.InsertAPIKey(ctx, &apikey.Key{}) },
	"APIKey":       func(ctx context.Context, s *store.Store) error { _, err := s.APIKeys.APIKey(ctx, "id"); return err },
	"ListAPIKeys": func(ctx context.Context, s *store.Store) error {
		_, err := s.APIKeys.ListAPIKeys(ctx, "", 1)
		return err
	},
	"ImportConsents": func(ctx context.Context, s *store.Store) error {
		_, err := s.Consents.ImportConsents(ctx, []*consent.Consent{{Subject: "alice", ClientID: "rp", GivenAt: noon}}, noon, false)
		return err
	},
	"KeySet": func(ctx context.Context, s *store.Store) error { _, err := s.KeySets.KeySet(ctx, "set"); return err },
	"Key": func(ctx context.Context, s *store.Store) error {
		_, err := s.KeySets.Key(ctx, "set", "kid")
		return err
	},
	"ListKeys": func(ctx context.Context, s *store.Store) error {
		_, err := s.KeySets.ListKeys(ctx, "", "", 1)
		return err
	},
	"InsertKey": func(ctx context.Context, s *store.Store) error {
		return s.KeySets.InsertKey(ctx, aSetKey("set", "kid"))
	},
	"PutKeys": func(ctx context.Context, s *store.Store) error {
		return s.KeySets.PutKeys(ctx, aSetKey("set", "kid"))
	},
	"ReplaceKeySet": func(ctx context.Context, s *store.Store) error {
		return s.KeySets.ReplaceKeySet(ctx, "set", []*keyset.Key{aSetKey("set", "kid")})
	},
	"ImportKeys": func(ctx context.Context, s *store.Store) error {
		_, err := s.KeySets.ImportKeys(ctx, []*keyset.Key{aSetKey("set", "kid")})
		return err
	},
	"ResealKey": func(ctx context.Context, s *store.Store) error {
		return s.KeySets.ResealKey(ctx, aSetKey("set", "kid"), []byte("resealed"))
	},
	"DeleteKey":    func(ctx context.Context, s *store.Store) error { return s.KeySets.DeleteKey(ctx, "set", "kid") },
	"DeleteKeySet": func(ctx context.Context, s *store.Store) error { return s.KeySets.DeleteKeySet(ctx, "set") },

	"InsertRefusals": func(ctx context.Context, s *store.Store) error {
		return s.Refusals.InsertRefusals(ctx, []*refusal.Record{{ID: "id"}})
	},
	"AddStatistics": func(ctx context.Context, s *store.Store) error {
		return s.Statistics.AddStatistics(ctx, statistics.Counts{statistics.SignIns: 1}, noon)
	},
	"Statistics": func(ctx context.Context, s *store.Store) error {
		_, err := s.Statistics.Statistics(ctx, statistics.Hour, noon)
		return err
	},
	"Refusal": func(ctx context.Context, s *store.Store) error {
		_, err := s.Refusals.Refusal(ctx, "request")
		return err
	},
	"ListRefusals": func(ctx context.Context, s *store.Store) error {
		_, err := s.Refusals.ListRefusals(ctx, refusal.Filter{}, "", 1)
		return err
	},
	"DeleteAPIKey": func(ctx context.Context, s *store.Store) error { return s.APIKeys.DeleteAPIKey(ctx, "id") },

	"InsertTrust": func(ctx context.Context, s *store.Store) error {
		return s.TrustedIssuers.InsertTrust(ctx, aTrust("id", "iss", ""))
	},
	"Trust": func(ctx context.Context, s *store.Store) error {
		_, err := s.TrustedIssuers.Trust(ctx, "id")
		return err
	},
	"TrustsFor": func(ctx context.Context, s *store.Store) error {
		_, _, err := s.TrustedIssuers.TrustsFor(ctx, "iss", "sub", noon)
		return err
	},
	"ListTrusts": func(ctx context.Context, s *store.Store) error {
		_, err := s.TrustedIssuers.ListTrusts(ctx, "", "", 0, 1)
		return err
	},
	"CountTrusts": func(ctx context.Context, s *store.Store) error {
		_, err := s.TrustedIssuers.CountTrusts(ctx, "")
		return err
	},
	"DeleteTrust": func(ctx context.Context, s *store.Store) error { return s.TrustedIssuers.DeleteTrust(ctx, "id") },
	"LiveExchanged": func(ctx context.Context, s *store.Store) error {
		_, err := s.Grants.LiveExchanged(ctx, &grant.Exchanged{ClientID: "c", IssuedAt: noon}, noon)
		return err
	},
	"LiveAsserted": func(ctx context.Context, s *store.Store) error {
		return s.Grants.LiveAsserted(ctx, grant.AssertedToken{IssuedAt: noon}, noon)
	},

	"ListScopes":  func(ctx context.Context, s *store.Store) error { _, err := s.Scopes.ListScopes(ctx); return err },
	"InsertScope": func(ctx context.Context, s *store.Store) error { return s.Scopes.InsertScope(ctx, aScope("hr")) },
	"UpdateScope": func(ctx context.Context, s *store.Store) error { return s.Scopes.UpdateScope(ctx, aScope("hr"), nil) },
	"DeleteScope": func(ctx context.Context, s *store.Store) error { return s.Scopes.DeleteScope(ctx, "hr") },

	"ListResources": func(ctx context.Context, s *store.Store) error { _, err := s.Resources.ListResources(ctx); return err },
	"InsertResource": func(ctx context.Context, s *store.Store) error {
		return s.Resources.InsertResource(ctx, aResource("https://api.example"))
	},
	"UpdateResource": func(ctx context.Context, s *store.Store) error {
		return s.Resources.UpdateResource(ctx, aResource("https://api.example"), nil)
	},
	"DeleteResource": func(ctx context.Context, s *store.Store) error {
		return s.Resources.DeleteResource(ctx, "https://api.example")
	},
	"ListDetailTypes": func(ctx context.Context, s *store.Store) error {
		_, err := s.DetailTypes.ListDetailTypes(ctx)
		return err
	},
	"InsertDetailType": func(ctx context.Context, s *store.Store) error {
		return s.DetailTypes.InsertDetailType(ctx, &detail.Type{Name: "payment"})
	},
	"UpdateDetailType": func(ctx context.Context, s *store.Store) error {
		return s.DetailTypes.UpdateDetailType(ctx, &detail.Type{Name: "payment"}, nil)
	},
	"DeleteDetailType": func(ctx context.Context, s *store.Store) error { return s.DetailTypes.DeleteDetailType(ctx, "payment") },

	"FindClients": func(ctx context.Context, s *store.Store) error {
		_, err := s.Clients.FindClients(ctx, client.Filter{}, "", 0, 1)
		return err
	},
	"ListedClients": func(ctx context.Context, s *store.Store) error {
		_, _, err := s.Clients.ListedClients(ctx, client.Listing{Limit: 1})
		return err
	},
	"ClientUses": func(ctx context.Context, s *store.Store) error { _, err := s.Clients.ClientUses(ctx, "rp"); return err },
	"ClientRefusals": func(ctx context.Context, s *store.Store) error {
		_, err := s.Clients.ClientRefusals(ctx, "rp", noon)
		return err
	},
	"NoteUses": func(ctx context.Context, s *store.Store) error {
		return s.Clients.NoteUses(ctx, []client.Use{{ClientID: "rp", At: noon}})
	},
	"CountClients": func(ctx context.Context, s *store.Store) error {
		_, err := s.Clients.CountClients(ctx, client.Filter{})
		return err
	},

	"NewerEvents": func(ctx context.Context, s *store.Store) error {
		_, err := s.Audit.NewerEvents(ctx, audit.Filter{}, "a", 1)
		return err
	},
	"CountNotices": func(ctx context.Context, s *store.Store) error {
		_, err := s.Outbox.CountNotices(ctx, "failed", 1)
		return err
	},
	"ReplicaVersions": func(ctx context.Context, s *store.Store) error { _, err := s.ReplicaVersions(ctx); return err },
	"PendingNotices":  func(ctx context.Context, s *store.Store) error { _, err := s.Outbox.PendingNotices(ctx); return err },
	"ListConsents": func(ctx context.Context, s *store.Store) error {
		_, err := s.Consents.ListConsents(ctx, "a", "", consent.Consent{}, 1, noon)
		return err
	},
	"ListGrantsWithoutConsent": func(ctx context.Context, s *store.Store) error {
		_, err := s.Grants.ListGrantsWithoutConsent(ctx, "a", "", grant.Locator{}, 1, noon)
		return err
	},
	"RevokeConsents": func(ctx context.Context, s *store.Store) error { return s.Consents.RevokeConsents(ctx, "a", "", noon) },
	"RevokeGrantsOf": func(ctx context.Context, s *store.Store) error { return s.Grants.RevokeGrantsOf(ctx, "a", "", noon) },
	"RevokeGrantsIn": func(ctx context.Context, s *store.Store) error { return s.Grants.RevokeGrantsIn(ctx, "s", noon) },

	"BeginEvent": func(ctx context.Context, s *store.Store) error { return s.Audit.BeginEvent(ctx, anEvent()) },
	"EndEvent":   func(ctx context.Context, s *store.Store) error { return s.Audit.EndEvent(ctx, anEvent()) },
	"ListEvents": func(ctx context.Context, s *store.Store) error {
		_, err := s.Audit.ListEvents(ctx, audit.Filter{}, "", 1)
		return err
	},
}

// anEvent returns an audit event.
func anEvent() *audit.Event {
	return audit.NewEvent("client.create", "id", audit.Actor{Kind: audit.Command}, noon)
}
