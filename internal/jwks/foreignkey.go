package jwks

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/keyring"
)

const (
	// maxRemembered is how many keys of another server the key set has room for.
	maxForeignKeys = 50
	maxKID         = 255
)

// ForeignKey is the public half of a key that another server signed with, under the
// name that its tokens have it.
type ForeignKey struct {
	KID       string
	Algorithm Algorithm
	Public    crypto.PublicKey
}

// Check reports why the key cannot be remembered.
func (r ForeignKey) Check() error {
	notVisible := func(c rune) bool { return c <= ' ' || c > '~' || c == '"' || c == '\\' }
	if r.KID == "" || len(r.KID) > maxKID || strings.IndexFunc(r.KID, notVisible) >= 0 {
		return errors.New("its kid cannot be one")
	}
	return checkKeyType(r.Algorithm, r.Public)
}

// AddForeignKeys publishes keys of a server that this one takes over from, as past keys: what
// they signed verifies, and nothing is signed with them. They stay for keep, and not
// less than a past key does. It returns how many were new; one whose kid is there is left
// alone.
func (m *Manager) AddForeignKeys(ctx context.Context, keys []ForeignKey, keep time.Duration) (int, error) {
	sealed := make([]Record, len(keys))
	for i, k := range keys {
		err := k.Check()
		if err == nil {
			sealed[i] = Record{KID: k.KID, Algorithm: k.Algorithm, State: Past}
			sealed[i].Sealed, err = sealForeignKey(m.config.Keyring, k)
		}
		if err != nil {
			return 0, fmt.Errorf("remember key %q: %w", k.KID, err)
		}
	}
	added := 0
	err := m.rotator.command(ctx, func(v *snapshot) (change, error) {
		now, there := m.keys.timestamp(), 0
		for _, k := range v.keys {
			if k.signer == nil && k.record.State == Past {
				there++
			}
		}
		var ch change
		for _, r := range sealed {
			if v.keys[r.KID] != nil {
				continue
			}
			r.PublishedAt, r.RetiredAt, r.RemoveAfter = now, now, now.Add(max(keep, m.rotator.retention()))
			ch.put = append(ch.put, r)
		}
		if added = len(ch.put); there+added > maxForeignKeys {
			return change{}, fmt.Errorf("there is room for %d keys of another server", maxForeignKeys)
		}
		return ch, nil
	})
	if err != nil {
		return 0, fmt.Errorf("remember keys: %w", err)
	}
	return added, nil
}

// rememberPurpose ties a sealed public key to its row, as one that does not sign: nobody
// who can write to the database makes us believe another key.
func foreignKeyPurpose(kid string, alg Algorithm) string {
	return "ostiary/remembered-key/" + string(alg) + "/" + kid
}

func sealForeignKey(s *keyring.Keyring, k ForeignKey) ([]byte, error) {
	public, err := x509.MarshalPKIXPublicKey(k.Public)
	if err != nil {
		return nil, fmt.Errorf("encode key: %w", err)
	}
	sealed, err := s.Seal(foreignKeyPurpose(k.KID, k.Algorithm), public)
	if err != nil {
		return nil, fmt.Errorf("seal key: %w", err)
	}
	return sealed, nil
}

// openRemembered opens a record that holds no private key.
func openForeignKey(s *keyring.Keyring, r Record) (*key, error) {
	encoded, err := s.Open(foreignKeyPurpose(r.KID, r.Algorithm), r.Sealed)
	if err != nil {
		return nil, err
	}
	public, err := x509.ParsePKIXPublicKey(encoded)
	if err != nil {
		return nil, fmt.Errorf("decode key: %w", err)
	}
	if err := (ForeignKey{r.KID, r.Algorithm, public}).Check(); err != nil {
		return nil, err
	}
	jwk := jose.JSONWebKey{Key: public, KeyID: r.KID, Algorithm: string(r.Algorithm), Use: "sig"}
	return &key{record: r, public: jwk}, nil
}

// sealAnew seals an open key under the first secret.
func reseal(s *keyring.Keyring, k *key) ([]byte, error) {
	if k.signer == nil {
		return sealForeignKey(s, ForeignKey{k.record.KID, k.record.Algorithm, k.public.Key})
	}
	return seal(s, k.record.Algorithm, k.record.KID, k.signer)
}
