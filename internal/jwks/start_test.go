package jwks

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/keyring"
)

func TestNewListsEveryFault(t *testing.T) {
	t.Parallel()
	_, err := New(Config{Algorithms: []Algorithm{ES256, "none", ES256}, CacheLifetime: -1})
	if err == nil {
		t.Fatal("New accepted a configuration with nothing right")
	}
	for _, want := range []string{"store", "secrets", "clock", "cache lifetime", "token lifetime", `"none" is not supported`, `"ES256" is listed twice`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error %q does not mention %s", err, want)
		}
	}
}

func TestConcurrentStartsGenerateOneKeySet(t *testing.T) {
	t.Parallel()
	store, c := &memory{}, &clock{}
	managers := make([]*Manager, 4)
	var group sync.WaitGroup
	for i := range managers {
		managers[i] = newManager(t, testConfig(t, store, c, allAlgorithms()...), c)
		group.Go(func() {
			if err := managers[i].Start(t.Context()); err != nil {
				t.Errorf("Start: %v", err)
			}
		})
	}
	group.Wait()
	for _, m := range managers {
		pass(t, m)
	}
	for _, alg := range allAlgorithms() {
		current, next := store.inState(alg, Current), store.inState(alg, Next)
		if len(current) != 1 || len(next) != 1 {
			t.Fatalf("%s has %d current and %d next keys, want one of each", alg, len(current), len(next))
		}
		for _, m := range managers {
			if got := signer(t, m, alg); got != current[0] {
				t.Errorf("a replica signs %s with %s, want %s", alg, got, current[0])
			}
		}
	}
}

func TestStartRejectsKeysThatItCannotOpen(t *testing.T) {
	t.Parallel()
	m, store, c := started(t, ES256, EdDSA)
	es, ed := store.inState(ES256, Current)[0], store.inState(EdDSA, Current)[0]
	next := store.inState(EdDSA, Next)[0]
	for name, tc := range map[string]struct {
		change func(rows map[string]Record, config *Config)
		sealed bool
	}{
		"keys sealed under another system secret": {func(_ map[string]Record, config *Config) {
			config.Keyring = keyringOf(t, secretB)
		}, true},
		"two rows with their keys swapped": {func(rows map[string]Record, _ *Config) {
			a, b := rows[ed], rows[next]
			a.Sealed, b.Sealed = b.Sealed, a.Sealed
			rows[ed], rows[next] = a, b
		}, true},
		"a row under another algorithm": {func(rows map[string]Record, _ *Config) {
			r := rows[es]
			r.Algorithm = EdDSA
			rows[es] = r
		}, true},
		"a row under another kid": {func(rows map[string]Record, _ *Config) {
			r := rows[es]
			r.KID = "chosen"
			rows[es] = r
		}, true},
		"a key sealed for a kid that is not its own": {func(rows map[string]Record, config *Config) {
			r := rows[es]
			sealed, err := seal(config.Keyring, ES256, "chosen", m.keys.current.Load().keys[es].signer)
			if err != nil {
				t.Error(err)
			}
			r.KID, r.Sealed = "chosen", sealed
			rows[es] = r
		}, false},
		"a row that is empty": {func(rows map[string]Record, _ *Config) {
			r := rows[es]
			r.Sealed = nil
			rows[es] = r
		}, true},
		"two current keys": {func(rows map[string]Record, _ *Config) {
			r := rows[next]
			r.State = Current
			rows[next] = r
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows := maps.Clone(store.rows)
			config := m.config
			tc.change(rows, &config)
			config.Store = &memory{version: 1, rows: rows}
			err := newManager(t, config, c).Start(t.Context())
			if err == nil || errors.Is(err, keyring.ErrNoMatchingSecret) != tc.sealed {
				t.Errorf("Start = %v, want an error that is keyring.ErrNoMatchingSecret: %t", err, tc.sealed)
			}
		})
	}
}

func TestStartWithoutAStore(t *testing.T) {
	t.Parallel()
	c := &clock{}
	conn := &link{}
	conn.down.Store(true)
	m := newManager(t, testConfig(t, conn, c, ES256), c)
	if err := m.Start(t.Context()); !errors.Is(err, errDown) {
		t.Errorf("Start = %v, want the store's error", err)
	}
	if _, err := m.Sign(t.Context(), ES256, "", nil); !errors.Is(err, ErrStale) {
		t.Errorf("Sign before Start = %v, want ErrStale", err)
	}
	if _, _, err := m.Verify("e30.e30.e30", ""); !errors.Is(err, ErrBadToken) {
		t.Errorf("Verify of garbage before Start = %v, want ErrBadToken", err)
	}
}

func TestReseal(t *testing.T) {
	t.Parallel()
	m, store, c := started(t, ES256, EdDSA)
	config := m.config
	config.Keyring = keyringOf(t, secretB, secretA)
	both := newManager(t, config, c)
	if err := both.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := both.Reseal(t.Context()); n != 4 || err != nil {
		t.Errorf("Reseal = %d, %v, want 4 keys", n, err)
	}
	if n, err := both.Reseal(t.Context()); n != 0 || err != nil {
		t.Errorf("a second Reseal = %d, %v, want nothing left to do", n, err)
	}
	config.Keyring = keyringOf(t, secretB)
	alone := newManager(t, config, c)
	if err := alone.Start(t.Context()); err != nil {
		t.Fatalf("Start under the new secret alone: %v", err)
	}
	if got, want := signer(t, alone, ES256), store.inState(ES256, Current)[0]; got != want {
		t.Errorf("the key changed from %s to %s when it was resealed", want, got)
	}
}

// remote signs as a KMS would, without exposing the key.
type remote struct{ key crypto.Signer }

func (r remote) Public() crypto.PublicKey { return r.key.Public() }

func (r remote) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return r.key.Sign(random, digest, opts)
}

func TestImport(t *testing.T) {
	t.Parallel()
	m, store, c := started(t, ES256, RS256, PS256)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Import(t.Context(), ES256, ec); err != nil {
		t.Fatal(err)
	}
	if err := m.Import(t.Context(), RS256, rsaKey); err != nil {
		t.Fatal(err)
	}
	if err := m.Import(t.Context(), PS256, rsaKey); err == nil {
		t.Error("one key was taken for two algorithms")
	}
	if got := store.inState(ES256, Next); len(got) != 1 {
		t.Errorf("%d next keys after an import, want the imported one alone", len(got))
	}
	imported := store.inState(ES256, Next)[0]
	c.advance(30 * 24 * time.Hour)
	pass(t, m)
	if got := signer(t, m, ES256); got != imported {
		t.Errorf("%s signs after the rotation, want the imported %s", got, imported)
	}
}

func TestImportRejects(t *testing.T) {
	t.Parallel()
	m, store, _ := started(t, ES256, EdDSA, RS256)
	before := store.version
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		alg    Algorithm
		signer crypto.Signer
	}{
		"a short RSA key":                    {RS256, small},
		"an EC key on another curve":         {ES256, p384},
		"an EC key for RSA":                  {RS256, p256},
		"an Ed25519 key for ES256":           {ES256, edKey},
		"an algorithm not configured":        {PS256, small},
		"a key that cannot be sealed":        {ES256, remote{p256}},
		"a private key of another public":    {ES256, &ecdsa.PrivateKey{PublicKey: p256.PublicKey, D: p384.D}}, //nolint:staticcheck // the library cannot create such a key
		"a key that the key set has already": {EdDSA, m.keys.current.Load().current[EdDSA].signer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := m.Import(t.Context(), tc.alg, tc.signer); err == nil {
				t.Error("Import accepted it")
			}
			if store.version != before {
				t.Error("the key set changed")
			}
		})
	}
}

func TestRecords(t *testing.T) {
	t.Parallel()
	m, store, _ := started(t, ES256, EdDSA)
	records, err := m.Records(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != 4 || len(store.rows) != 4 {
		t.Errorf("Records() has %d of %d keys, want 4", len(records), len(store.rows))
	}
	for _, r := range records {
		if r.Sealed != nil || r.PublishedAt.IsZero() {
			t.Errorf("Records() shows %+v, want a time and no private part", r)
		}
	}
	if !slices.IsSortedFunc(records, compareRecords) {
		t.Errorf("Records() is in no order: %v", records)
	}
}
