package store_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Types are stored by name, and every change is in effect in caches of scopes.
func TestDetailTypes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		cache := store.NewScopeCache(s, func(records []*scope.Scope) *scope.Set { return scope.NewSet(records, nil, nil) })
		declared := func(want string) {
			t.Helper()
			set, err := cache.Scopes(t.Context())
			must(t, err)
			wantSame(t, "declared types", strings.Join(set.Details().Names(), " "), want)
		}
		declared("")
		payment := &detail.Type{Name: "payment", CreatedAt: noon, UpdatedAt: noon, Definition: detail.Definition{
			Schema: json.RawMessage(`{"type":"object"}`), Sentences: map[string]detail.Sentence{"en": {Title: "Payment", Text: "Pay {amount}"}},
		}}
		must(t, s.DetailTypes.InsertDetailType(t.Context(), payment))
		wantErr(t, "InsertDetailType again", s.DetailTypes.InsertDetailType(t.Context(), payment), detail.ErrExists)
		declared("payment")
		payment.Narrowing, payment.UpdatedAt = map[string]detail.Comparison{"amount": detail.AtMost}, noon.Add(time.Second)
		seen := noon
		must(t, s.DetailTypes.UpdateDetailType(t.Context(), payment, &seen))
		wantErr(t, "UpdateDetailType of an earlier one", s.DetailTypes.UpdateDetailType(t.Context(), payment, &seen), detail.ErrChanged)
		list, err := s.DetailTypes.ListDetailTypes(t.Context())
		must(t, err)
		wantSame(t, "types", list, []*detail.Type{payment})
		must(t, s.DetailTypes.DeleteDetailType(t.Context(), "payment"))
		declared("")
		wantErr(t, "DeleteDetailType again", s.DetailTypes.DeleteDetailType(t.Context(), "payment"), detail.ErrNotFound)
		wantErr(t, "UpdateDetailType of an unknown one", s.DetailTypes.UpdateDetailType(t.Context(), payment, nil), detail.ErrNotFound)
	})
}

// A consent keeps its details beside the claims of a consent app, and the latest ones if there are many.
func TestConsentsKeepDetails(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		details, err := detail.Parse(`[{"type":"payment","amount":"1.00"},{"type":"payment","amount":"2.00"}]`)
		must(t, err)
		c := &consent.Consent{Subject: "ada", ClientID: "rp", Scopes: []string{"openid"}, Details: details, GivenAt: noon}
		c.ExtraClaims.ForcedSubject = "another"
		must(t, s.Consents.SaveConsent(t.Context(), c))
		list, err := s.Consents.ListConsents(t.Context(), "ada", "", consent.Consent{}, 10, noon)
		must(t, err)
		wantSame(t, "consents", list, []*consent.Consent{c})
	})
}
