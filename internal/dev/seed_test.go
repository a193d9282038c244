package dev

import (
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// The demo user has at least one claim of each predefined scope with claims, so that the recipes
// in docs/clients.md show it.
func TestDemoUserHasAClaimForEachScope(t *testing.T) {
	t.Parallel()

	records, err := storetest.New(t).Scopes.ListScopes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	claims := demoClaims(time.Now())
	for _, s := range scope.NewSet(records, nil, nil).All() {
		has := len(s.Claims) == 0
		for name := range s.Claims {
			has = has || claims[name] != nil
		}
		if !has {
			t.Errorf("the scope %s releases nothing of the demo person", s.Name)
		}
	}
}
