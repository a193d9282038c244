package account_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/account"
)

func TestAddressKey(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"ada@example.com": "ada@example.com", "ADA@Example.COM": "ada@example.com", "ü@Bücher.example": "ü@xn--bcher-kva.example",
		"Ü@XN--bcher-kva.example": "ü@xn--bcher-kva.example", "u\u0308@example.com": "ü@example.com", "a@localhost": "a@localhost",
		"?@example.com": "?@example.com",
	} {
		if got, err := account.AddressKey(address); err != nil || got != want {
			t.Errorf("AddressKey(%q) = %q, %v, want %q", address, got, err, want)
		}
	}
	if key, err := account.AddressKey("ada"); !errors.Is(err, account.ErrBadEmail) {
		t.Errorf("AddressKey of no address = %q, %v, want %v", key, err, account.ErrBadEmail)
	}
}

func TestSetClaimsChangesThePrimaryAddress(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	type claims = map[string]any
	second := account.Address{Address: "second@example.com"}
	for name, tc := range map[string]struct {
		set    claims
		remove []string
		want   claims
		list   []account.Address
	}{
		"no email":               {claims{"name": "Ada"}, nil, claims{"name": "Ada", "email": "a@example.com", "email_verified": true}, []account.Address{{"a@example.com", at, true}, second}},
		"the same address":       {claims{"email": "A@example.com"}, nil, claims{"email": "A@example.com", "email_verified": true}, []account.Address{{"A@example.com", at, true}, second}},
		"a new address":          {claims{"email": "b@example.com"}, nil, claims{"email": "b@example.com", "email_verified": false}, []account.Address{{"b@example.com", time.Time{}, true}, second}},
		"a verified new address": {claims{"email": "b@example.com", "email_verified": true}, nil, claims{"email": "b@example.com", "email_verified": true}, []account.Address{{"b@example.com", at, true}, second}},
		"the second address":     {claims{"email": "second@example.com"}, nil, claims{"email": "second@example.com", "email_verified": false}, []account.Address{{"second@example.com", time.Time{}, true}}},
		"not verified any more":  {claims{"email_verified": false}, nil, claims{"email": "a@example.com", "email_verified": false}, []account.Address{{"a@example.com", time.Time{}, true}, second}},
		"no address":             {nil, []string{"email"}, claims{"email": "second@example.com", "email_verified": false}, []account.Address{{"second@example.com", time.Time{}, true}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			a := &account.Account{}
			if err := a.SetAddresses([]account.Address{second, {"a@example.com", at, true}}); err != nil {
				t.Fatal(err)
			}
			if err := a.SetClaims(tc.set, tc.remove, at); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, a.Claims); diff != "" {
				t.Errorf("claims (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.list, a.Addresses); diff != "" {
				t.Errorf("addresses (-want +got):\n%s", diff)
			}
			before := *a
			if err := a.SetClaims(claims{"name": "x", "email": "invalid"}, nil, at); !errors.Is(err, account.ErrBadEmail) {
				t.Errorf("SetClaims with an invalid email = %v, want %v", err, account.ErrBadEmail)
			}
			if diff := cmp.Diff(before, *a); diff != "" {
				t.Errorf("a failed change (-before +after):\n%s", diff)
			}
		})
	}
}

func TestAddressesOfAnAccount(t *testing.T) {
	t.Parallel()

	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	a := &account.Account{}
	for _, step := range []struct {
		do      func() error
		want    []account.Address
		wantErr error
	}{
		{func() error { return a.AddAddress("a@example.com", time.Time{}) }, []account.Address{{"a@example.com", time.Time{}, true}}, nil},
		{func() error { return a.AddAddress("b@example.com", at) }, []account.Address{{"a@example.com", time.Time{}, true}, {"b@example.com", at, false}}, nil},
		{func() error { return a.AddAddress("B@EXAMPLE.com", time.Time{}) }, []account.Address{{"a@example.com", time.Time{}, true}, {"b@example.com", at, false}}, nil},
		{func() error { return a.AddAddress("A@example.com", at) }, []account.Address{{"a@example.com", at, true}, {"b@example.com", at, false}}, nil},
		{func() error { return a.MakePrimary("c@example.com") }, []account.Address{{"a@example.com", at, true}, {"b@example.com", at, false}}, account.ErrAddressNotFound},
		{func() error { return a.MakePrimary("b@EXAMPLE.com") }, []account.Address{{"b@example.com", at, true}, {"a@example.com", at, false}}, nil},
		{func() error { return a.RemoveAddress("b@example.com") }, []account.Address{{"a@example.com", at, true}}, nil},
		{func() error { return a.RemoveAddress("b@example.com") }, []account.Address{{"a@example.com", at, true}}, account.ErrAddressNotFound},
		{func() error { return a.RemoveAddress("a@example.com") }, []account.Address{}, nil},
	} {
		if err := step.do(); !errors.Is(err, step.wantErr) {
			t.Errorf("error = %v, want %v", err, step.wantErr)
		}
		if diff := cmp.Diff(step.want, a.Addresses); diff != "" {
			t.Errorf("addresses (-want +got):\n%s", diff)
		}
	}
	if _, has := a.Claims["email"]; has {
		t.Errorf("claims = %v without an address", a.Claims)
	}
	for name, list := range map[string][]account.Address{
		"twice":       {{Address: "a@example.com"}, {Address: "A@example.com"}},
		"two primary": {{Address: "a@example.com", Primary: true}, {Address: "b@example.com", Primary: true}},
		"invalid":     {{Address: "a"}},
	} {
		if err := a.SetAddresses(list); err == nil {
			t.Errorf("SetAddresses, %s: no error", name)
		}
	}
}
