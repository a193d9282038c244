package jwks

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"
)

// A withdrawn key is not published, its tokens are rejected by every replica that has read
// the store since, and the next key signs.
func TestWithdrawnKeyNeitherSignsNorVerifies(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		age   time.Duration // of the next key
		known bool
	}{
		"a next key that is ready": {2 * time.Hour, true},
		"a next key that is young": {time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one, store, c := started(t, ES256, EdDSA)
			two := newManager(t, testConfig(t, store, c, ES256, EdDSA), c)
			if err := two.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.advance(tc.age)
			pass(t, one)
			pass(t, two)
			leaked, next, other := signer(t, one, ES256), store.inState(ES256, Next)[0], signer(t, one, EdDSA)
			token, err := one.Sign(t.Context(), ES256, "at+jwt", []byte("{}"))
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range []*Manager{one, two} { // which remember the signature as good
				if _, _, err := m.Verify(token, "at+jwt"); err != nil {
					t.Fatal(err)
				}
			}

			got, err := one.Withdraw(t.Context(), leaked)
			if err != nil || got.Withdrawn.KID != leaked || got.Successor.KID != next || got.SuccessorPublished != tc.known || got.Successor.Sealed != nil || got.Withdrawn.Sealed != nil {
				t.Errorf("Withdraw = %+v, %v; want %s to sign, known: %v", got, err, next, tc.known)
			}
			pass(t, two)
			for i, m := range []*Manager{one, two} {
				if _, _, err := m.Verify(token, "at+jwt"); !errors.Is(err, ErrBadToken) {
					t.Errorf("replica %d: Verify of a token of the withdrawn key = %v, want ErrBadToken", i+1, err)
				}
				if kid := signer(t, m, ES256); kid != next {
					t.Errorf("replica %d signs with %s, want %s", i+1, kid, next)
				}
				if kid := signer(t, m, EdDSA); kid != other {
					t.Errorf("replica %d signs with another EdDSA key", i+1)
				}
				if bytes.Contains(m.keys.current.Load().body, []byte(leaked)) {
					t.Errorf("replica %d still publishes the withdrawn key", i+1)
				}
			}
			if more := store.inState(ES256, Next); len(more) != 1 || more[0] == next {
				t.Errorf("the next keys are %v, want another one", more)
			}
			if past := store.inState(ES256, Past); len(past) != 0 {
				t.Errorf("the past keys are %v, want none", past)
			}
			if _, err := one.Withdraw(t.Context(), leaked); !errors.Is(err, ErrUnknownKey) {
				t.Errorf("Withdraw again = %v, want ErrUnknownKey", err)
			}
		})
	}
}

func TestWithdrawNextAndPastKeys(t *testing.T) {
	t.Parallel()
	m, store, c := started(t, ES256)
	c.advance(2 * time.Hour)
	pass(t, m)
	past := signer(t, m, ES256)
	if _, err := m.Rotate(t.Context(), ES256); err != nil {
		t.Fatal(err)
	}
	current := signer(t, m, ES256)
	for state, kid := range map[State]string{Past: past, Next: store.inState(ES256, Next)[0]} {
		got, err := m.Withdraw(t.Context(), kid)
		if err != nil || got.Withdrawn.State != state || got.Successor.KID != current || !got.SuccessorPublished {
			t.Errorf("Withdraw of the %s key = %+v, %v", state, got, err)
		}
		if slices.Contains(store.inState(ES256, state), kid) {
			t.Errorf("the %s key is still there", state)
		}
	}
	if got := store.inState(ES256, Next); len(got) != 1 {
		t.Errorf("the next keys are %v, want one", got)
	}
	if signer(t, m, ES256) != current {
		t.Error("another key signs")
	}
}

// All keys may have leaked, including the next ones.
func TestWithdrawEveryKey(t *testing.T) {
	t.Parallel()
	m, store, _ := started(t, EdDSA)
	first := append(store.inState(EdDSA, Next), store.inState(EdDSA, Current)...)
	for _, kid := range first {
		if _, err := m.Withdraw(t.Context(), kid); err != nil {
			t.Fatal(err)
		}
	}
	if kid := signer(t, m, EdDSA); slices.Contains(first, kid) {
		t.Errorf("%s signs, which was withdrawn", kid)
	}
}

// The public half of a withdrawn key verifies no hint either.
func TestWithdrawnKeyVerifiesNoHint(t *testing.T) {
	t.Parallel()
	for name, age := range map[string]time.Duration{"a current key": 0, "a key that verifies hints alone": 60 * 24 * time.Hour} {
		store, c := &memory{}, &clock{}
		config := testConfig(t, store, c, ES256)
		config.HintLifetime = 90 * 24 * time.Hour
		m := newManager(t, config, c)
		if err := m.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		leaked := signer(t, m, ES256)
		hint, err := m.Sign(t.Context(), ES256, "JWT", []byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		for range 3 { // publishes, promotes, and ends the past key
			c.advance(age / 3)
			pass(t, m)
			c.advance(age / 3)
			pass(t, m)
		}
		if _, err := m.VerifyHint(hint); err != nil {
			t.Fatalf("%s: VerifyHint before = %v", name, err)
		}
		if age > 0 && !slices.Contains(store.inState(ES256, Hint), leaked) {
			t.Fatalf("%s: the key is not one for hints: %v", name, store.rows)
		}
		if _, err := m.Withdraw(t.Context(), leaked); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			pass(t, m)
			if _, err := m.VerifyHint(hint); !errors.Is(err, ErrBadToken) {
				t.Errorf("%s: VerifyHint of a token of the withdrawn key = %v, want ErrBadToken", name, err)
			}
			c.advance(time.Minute)
		}
	}
}
