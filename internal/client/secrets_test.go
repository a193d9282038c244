package client_test

import (
	"errors"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
)

// Secrets are added and removed one by one; each that was not removed authenticates.
func TestSecrets(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	store := client.SecretStore{}
	c := &client.Client{ID: "rp", RegistrationToken: []byte{1}}
	var texts []string
	for n := range client.MaxSecrets {
		text, err := store.AddSecret(t.Context(), c, now.Add(time.Duration(n)*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	if _, err := store.AddSecret(t.Context(), c, now); !errors.Is(err, client.ErrTooManySecrets) {
		t.Errorf("another secret: %v, want %v", err, client.ErrTooManySecrets)
	}
	if len(c.RegistrationToken) == 0 {
		t.Error("another secret ended the registration access token")
	}
	valid := func() (n int) {
		t.Helper()
		for _, text := range texts {
			for _, s := range append([]client.Secret{c.Secret}, c.PreviousSecrets(now.AddDate(50, 0, 0))...) {
				fits, err := s.Verify(t.Context(), nil, text)
				if err != nil {
					t.Fatal(err)
				}
				if fits {
					n++
				}
			}
		}
		return n
	}
	infos := c.SecretInfos(now)
	if got := valid(); got != client.MaxSecrets || len(infos) != client.MaxSecrets {
		t.Fatalf("%d secrets authenticate and %d are listed, want %d", got, len(infos), client.MaxSecrets)
	}
	if !infos[0].Current || !infos[0].CreatedAt.Equal(now.Add(4*time.Hour)) || !infos[4].CreatedAt.Equal(now) || !infos[4].ExpiresAt.IsZero() {
		t.Errorf("the list is %+v, want the latest secret first, each without an expiry", infos)
	}

	if err := c.RemoveSecret(infos[0].ID, now); err != nil {
		t.Fatal(err)
	}
	if left := c.SecretInfos(now); len(left) != 4 || left[0].ID != infos[1].ID || !left[0].Current || !left[0].CreatedAt.Equal(now.Add(3*time.Hour)) {
		t.Errorf("after the current one is removed: %+v, want the one before in its place", left)
	}
	if len(c.RegistrationToken) > 0 {
		t.Error("the registration access token outlives a removed secret")
	}
	if err := c.RemoveSecret(infos[0].ID, now); !errors.Is(err, client.ErrSecretNotFound) {
		t.Errorf("a removed secret: %v, want %v", err, client.ErrSecretNotFound)
	}
	for _, one := range infos[2:] {
		if err := c.RemoveSecret(one.ID, now); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.RemoveSecret(infos[1].ID, now); !errors.Is(err, client.ErrOnlySecret) || valid() != 1 {
		t.Errorf("the last secret: %v and %d are valid, want %v and 1", err, valid(), client.ErrOnlySecret)
	}
}

// A rotation ends the previous secret at its time, beside one that was added.
func TestRotationBesideAddedSecrets(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	store := client.SecretStore{}
	c := &client.Client{ID: "rp"}
	for range 2 {
		if _, err := store.AddSecret(t.Context(), c, now); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := store.Rotate(t.Context(), c, now, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n := len(c.SecretInfos(now)); n != 3 {
		t.Errorf("%d secrets are valid after the rotation, want 3", n)
	}
	later := c.SecretInfos(now.Add(2 * time.Hour))
	if len(later) != 2 || !later[1].ExpiresAt.IsZero() {
		t.Errorf("later %+v are valid, want the new one and the added one", later)
	}
}
