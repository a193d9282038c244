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
	// maxForeignKeys limits the number of foreign keys in the key set.
	maxForeignKeys = 50
	maxKID         = 255
)

// ForeignKey is a public key of another server, with the kid that its tokens use.
type ForeignKey struct {
	KID       string
	Algorithm Algorithm
	Public    crypto.PublicKey
}

// Check returns an error if the kid or the type of the key is not supported.
func (r ForeignKey) Check() error {
	notVisible := func(c rune) bool { return c <= ' ' || c > '~' || c == '"' || c == '\\' }
	if r.KID == "" || len(r.KID) > maxKID || strings.IndexFunc(r.KID, notVisible) >= 0 {
		return errors.New("invalid kid")
	}
	return checkKeyType(r.Algorithm, r.Public)
}

// AddForeignKeys publishes keys of a server that this one replaces, as past keys: their tokens
// verify, and no token is signed with them. They are kept for keep, and at least as long as
// past keys. It skips keys with a known kid and returns the number of added keys.
func (m *Manager) AddForeignKeys(ctx context.Context, keys []ForeignKey, keep time.Duration) (int, error) {
	sealed := make([]Record, len(keys))
	for i, k := range keys {
		err := k.Check()
		if err == nil {
			sealed[i] = Record{KID: k.KID, Algorithm: k.Algorithm, State: Past}
			sealed[i].Sealed, err = sealForeignKey(m.config.Keyring, k)
		}
		if err != nil {
			return 0, fmt.Errorf("add foreign key %q: %w", k.KID, err)
		}
	}
	added := 0
	err := m.rotator.command(ctx, func(v *snapshot) (change, error) {
		now, existing := m.keys.timestamp(), 0
		for _, k := range v.keys {
			if k.signer == nil && k.record.State == Past {
				existing++
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
		if added = len(ch.put); existing+added > maxForeignKeys {
			return change{}, fmt.Errorf("the key set may contain at most %d foreign keys", maxForeignKeys)
		}
		return ch, nil
	})
	if err != nil {
		return 0, fmt.Errorf("add foreign keys: %w", err)
	}
	return added, nil
}

// foreignKeyPurpose binds a sealed public key to its row and to verification only, so that
// write access to the database is not enough to add a key.
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

// openForeignKey opens a record without a private key.
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

// reseal seals an open key under the first system secret.
func reseal(s *keyring.Keyring, k *key) ([]byte, error) {
	if k.signer == nil {
		return sealForeignKey(s, ForeignKey{k.record.KID, k.record.Algorithm, k.public.Key})
	}
	return seal(s, k.record.Algorithm, k.record.KID, k.signer)
}
