package jwks

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

const day = 24 * time.Hour

// startedForHints is started with keys that verify hints for 30 days.
func startedForHints(tb testing.TB, algs ...Algorithm) (*Manager, *memory, *clock) {
	tb.Helper()
	store, c := &memory{}, &clock{}
	config := testConfig(tb, store, c, algs...)
	config.HintLifetime = 30 * day
	m := newManager(tb, config, c)
	if err := m.Start(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	pass(tb, m)
	return m, store, c
}

// live advances the time in steps, and reads the store after each.
func live(tb testing.TB, m *Manager, c *clock, d time.Duration) {
	tb.Helper()
	for range int(d / (30 * time.Minute)) {
		c.advance(30 * time.Minute)
		pass(tb, m)
	}
}

// rotate makes the next key the current one.
func rotate(tb testing.TB, m *Manager, c *clock) {
	tb.Helper()
	live(tb, m, c, 2*time.Hour)
	if _, err := m.Rotate(tb.Context(), ""); err != nil {
		tb.Fatal(err)
	}
}

// After the expiry of its tokens the unpublished public half of a key verifies only hints,
// until the longest session has ended.
func TestPastKeyVerifiesHintsForTheSessionLifetime(t *testing.T) {
	t.Parallel()
	m, store, c := startedForHints(t, ES256, RS256)
	idToken, err := m.Sign(t.Context(), ES256, "JWT", []byte(`{"sub":"ada"}`))
	if err != nil {
		t.Fatal(err)
	}
	access, err := m.Sign(t.Context(), ES256, "at+jwt", []byte(`{"sub":"ada"}`))
	if err != nil {
		t.Fatal(err)
	}
	kid := signer(t, m, ES256)
	rotate(t, m, c)
	live(t, m, c, 20*day)

	if got := store.inState(ES256, Hint); !slices.Equal(got, []string{kid}) {
		t.Fatalf("hint keys are %v, want %s", got, kid)
	}
	body, _, _ := m.KeySet()
	if strings.Contains(string(body), kid) {
		t.Error("the key is still published")
	}
	exported, err := m.Export(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range exported {
		if k.KeyID == kid {
			t.Error("the key is still exported")
		}
	}
	restarted := newManager(t, testConfig(t, store, c, ES256, RS256), c)
	if err := restarted.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]*Manager{"this process": m, "a new process": restarted} {
		if payload, err := m.VerifyHint(idToken); err != nil || string(payload) != `{"sub":"ada"}` {
			t.Errorf("%s: VerifyHint = %q, %v, want the payload", name, payload, err)
		}
		if k, err := m.keys.lookup(kid); err != nil || k.signer != nil {
			t.Errorf("%s: the private half is still there: %v", name, err)
		}
		for what, verify := range map[string]func() error{
			"an ID token as a token":    func() error { _, _, err := m.Verify(idToken, "", "JWT"); return err },
			"an access token":           func() error { _, _, err := m.Verify(access, "at+jwt"); return err },
			"an access token as a hint": func() error { _, err := m.VerifyHint(access); return err },
			"a forged hint":             func() error { _, err := m.VerifyHint(idToken[:len(idToken)-8] + "AAAAAAAA"); return err },
		} {
			if err := verify(); !errors.Is(err, ErrBadToken) {
				t.Errorf("%s: %s: error %v, want ErrBadToken", name, what, err)
			}
		}
	}

	live(t, m, c, 11*day)
	if got := store.inState(ES256, Hint); len(got) != 0 {
		t.Errorf("hint keys after 31 days are %v, want none", got)
	}
	if _, err := m.VerifyHint(idToken); !errors.Is(err, ErrUnknownKey) || !errors.Is(err, ErrBadToken) {
		t.Errorf("VerifyHint after 31 days: %v, want ErrBadToken and ErrUnknownKey", err)
	}
}

// Keys that were removed by command, or exceed the limit, verify no hints.
func TestHintKeysAreLimitedAndRemovable(t *testing.T) {
	t.Parallel()
	m, store, c := startedForHints(t, EdDSA)
	kid := signer(t, m, EdDSA)
	rotate(t, m, c)
	live(t, m, c, 2*day)
	if err := m.Remove(t.Context(), kid); err != nil {
		t.Fatal(err)
	}
	if got := store.inState(EdDSA, Hint); len(got) != 0 {
		t.Fatalf("after its removal the hint keys are %v", got)
	}
	for range maxHintKeys + 5 {
		rotate(t, m, c)
	}
	newest := store.inState(EdDSA, Past)
	live(t, m, c, 2*day)
	got := store.inState(EdDSA, Hint)
	if len(got) != maxHintKeys {
		t.Errorf("there are %d hint keys, want %d", len(got), maxHintKeys)
	}
	for _, kid := range newest {
		if !slices.Contains(got, kid) {
			t.Errorf("the newest hint keys lack %s", kid)
		}
	}
	if n, err := m.Reseal(t.Context()); err != nil || n != 0 {
		t.Errorf("Reseal = %d, %v, want 0", n, err)
	}
}
