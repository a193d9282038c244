package clientauth

import (
	"fmt"
	"testing"

	"github.com/ostiary/ostiary/internal/client"
)

func TestAShortSecretIsHashedOnceAndNotWithEachRequest(t *testing.T) {
	t.Parallel()

	c := withSecret(t, "short", client.AuthPost, shortSecret)
	a := newAuthenticator(c, withSecret(t, "other", client.AuthPost, shortSecret))
	slow, guesses := &counted{Hasher: a.cfg.Hasher}, &tally{}
	a.cfg.Hasher, a.cfg.Throttle = slow, guesses
	try := func(id, secret string, right bool, hashes int64, calls int) {
		t.Helper()
		before, questions := slow.verified.Load(), guesses.calls
		_, err := a.Authenticate(t.Context(), form("client_id", id, "client_secret", secret))
		if (err == nil) != right {
			t.Errorf("%s with %q: %v", id, secret, err)
		}
		if got := slow.verified.Load() - before; got != hashes {
			t.Errorf("%s with %q cost %d slow hashes, want %d", id, secret, got, hashes)
		}
		if got := guesses.calls - questions; got != calls {
			t.Errorf("%s with %q cost %d questions to the database, want %d", id, secret, got, calls)
		}
	}
	try("short", shortSecret, true, 1, 2)
	try("short", shortSecret, true, 0, 0)
	try("short", shortSecret+"x", false, 1, 1)
	try("short", shortSecret+"x", false, 1, 1) // wrong secrets are not cached
	try("other", shortSecret, true, 1, 2)      // nor is another client's
	try("short", shortSecret, true, 0, 0)

	kept, err := client.HashSecret(t.Context(), hasher(), "another short one")
	if err != nil {
		t.Fatal(err)
	}
	c.Secret = kept
	try("short", shortSecret, false, 1, 1)
	c.Secret = ""
	try("short", shortSecret, false, 1, 1)
}

func TestAcceptedSecretsAreBounded(t *testing.T) {
	t.Parallel()

	s := newAcceptedSecrets()
	for i := range maxAccepted + 100 {
		s.add(fmt.Sprint("client ", i), "kept", "secret")
	}
	if got := s.macs.Len(); got != maxAccepted {
		t.Errorf("%d secrets are cached, want %d", got, maxAccepted)
	}
	if !s.has(fmt.Sprint("client ", maxAccepted+99), "kept", "secret") {
		t.Error("the last one is not cached")
	}
}
