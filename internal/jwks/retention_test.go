package jwks

import (
	"testing"
	"time"
)

// A shorter setting does not affect tokens that were signed before.
func TestPastKeyIsKeptForTheLongestConfiguredTokenLifetime(t *testing.T) {
	t.Parallel()
	store, c := &memory{}, &clock{}
	config := testConfig(t, store, c, EdDSA)
	config.TokenLifetime = 20 * day
	long := newManager(t, config, c)
	if err := long.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	pass(t, long)
	token, err := long.Sign(t.Context(), EdDSA, "at+jwt", []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}

	config.TokenLifetime = time.Hour
	short := newManager(t, config, c)
	if err := short.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	pass(t, short)
	rotate(t, short, c)
	live(t, short, c, 19*day)
	if _, _, err := short.Verify(token, "at+jwt"); err != nil {
		t.Errorf("a token of 20 days on day 19: %v", err)
	}
	live(t, short, c, 2*day)
	if got := store.inState(EdDSA, Past); len(got) != 0 {
		t.Errorf("past keys after 21 days: %v, want none", got)
	}

	// After an increase, the current key records the longer setting.
	config.TokenLifetime = 10 * day
	longer := newManager(t, config, c)
	if err := longer.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	pass(t, longer)
	token, err = longer.Sign(t.Context(), EdDSA, "at+jwt", []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	rotate(t, short, c)
	live(t, short, c, 9*day)
	if _, _, err := short.Verify(token, "at+jwt"); err != nil {
		t.Errorf("a token of 10 days on day 9: %v", err)
	}
}
