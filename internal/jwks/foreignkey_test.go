package jwks

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/keyring"
)

// foreignToken returns a token of another server.
func foreignToken(tb testing.TB, key *rsa.PrivateKey, kid string) string {
	tb.Helper()
	return theirs(tb, key, kid, "JWT")
}

func theirs(tb testing.TB, key *rsa.PrivateKey, kid, typ string) string {
	tb.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"RS256","kid":"`+kid+`","typ":"`+typ+`"}`)) + "." + encode([]byte(`{"sub":"alice"}`))
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	if err != nil {
		tb.Fatal(err)
	}
	return signed + "." + encode(signature)
}

func rsaKey(tb testing.TB) *rsa.PrivateKey {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, minRSABits)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func TestForeignKeysVerifyAndNeverSign(t *testing.T) {
	t.Parallel()

	m, store, c := started(t, RS256)
	another := rsaKey(t)
	keys := []ForeignKey{{"public:a1", RS256, another.Public()}}
	token := foreignToken(t, another, "public:a1")
	if _, _, err := m.Verify(token, "JWT"); !errors.Is(err, ErrBadToken) {
		t.Fatalf("before it is known, Verify = %v", err)
	}
	for _, want := range []int{1, 0} {
		if added, err := m.AddForeignKeys(t.Context(), keys, 30*24*time.Hour); err != nil || added != want {
			t.Fatalf("Remember = %d, %v; want %d", added, err, want)
		}
	}
	payload, kid, err := m.Verify(token, "JWT")
	if err != nil || kid != "public:a1" || string(payload) != `{"sub":"alice"}` {
		t.Errorf("Verify = %s, %s, %v", payload, kid, err)
	}
	if _, _, err := m.Verify(foreignToken(t, rsaKey(t), "public:a1"), "JWT"); !errors.Is(err, ErrBadToken) {
		t.Errorf("a token of another key: %v", err)
	}
	// This server accepts no access tokens that a foreign key signed.
	if _, _, err := m.Verify(theirs(t, another, "public:a1", "at+jwt"), "at+jwt"); !errors.Is(err, ErrBadToken) {
		t.Errorf("an access token: %v", err)
	}
	if body, _, _ := m.KeySet(); !strings.Contains(string(body), `"kid":"public:a1"`) || strings.Contains(string(body), `"d":`) {
		t.Errorf("published is %s", body)
	}
	if kid := signer(t, m, RS256); kid == "public:a1" {
		t.Error("it signs")
	}

	secrets, err := keyring.New(secretB, secretA)
	if err != nil {
		t.Fatal(err)
	}
	config := testConfig(t, store, c, RS256)
	config.Keyring = secrets
	if _, err := newManager(t, config, c).Reseal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if config.Keyring, err = keyring.New(secretB); err != nil {
		t.Fatal(err)
	}
	m = newManager(t, config, c)
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		after time.Duration
		want  bool
	}{{29 * 24 * time.Hour, true}, {2 * 24 * time.Hour, false}} {
		c.advance(step.after)
		pass(t, m)
		pass(t, m)
		if _, _, err := m.Verify(token, "JWT"); (err == nil) != step.want {
			t.Errorf("another %s later Verify = %v, want good: %t", step.after, err, step.want)
		}
	}
}

// Write access to the database must not be enough to add or replace a key.
func TestForeignKeyIsBoundToItsRow(t *testing.T) {
	t.Parallel()

	for name, change := range map[string]func(*Record){
		"another name":      func(r *Record) { r.KID = "another" },
		"another algorithm": func(r *Record) { r.Algorithm = PS256 },
		"one that signs":    func(r *Record) { r.State = Current },
		"one that will":     func(r *Record) { r.State = Next },
		"a key in the open": func(r *Record) { r.Sealed = []byte("no seal") },
	} {
		m, store, c := started(t, EdDSA)
		if _, err := m.AddForeignKeys(t.Context(), []ForeignKey{{"theirs", RS256, rsaKey(t).Public()}}, 0); err != nil {
			t.Fatal(err)
		}
		store.mu.Lock()
		r := store.rows["theirs"]
		delete(store.rows, "theirs")
		change(&r)
		store.rows[r.KID] = r
		store.mu.Unlock()
		if err := newManager(t, testConfig(t, store, c, EdDSA), c).Start(t.Context()); err == nil {
			t.Errorf("%s: the keys open", name)
		}
	}
}

func TestStartGeneratesKeysBesideForeignOnes(t *testing.T) {
	t.Parallel()

	store, c := &memory{}, &clock{}
	m := newManager(t, testConfig(t, store, c, EdDSA), c)
	if _, err := m.AddForeignKeys(t.Context(), []ForeignKey{{"theirs", RS256, rsaKey(t).Public()}}, 0); err != nil {
		t.Fatal(err)
	}
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if kid := signer(t, m, EdDSA); kid == "theirs" {
		t.Error("a remembered key signs")
	}
}

func TestAddForeignKeysRejectsInvalidKeys(t *testing.T) {
	t.Parallel()

	m, _, _ := started(t, EdDSA)
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := rsaKey(t).Public()
	for name, k := range map[string]ForeignKey{
		"a short one":           {"kid", RS256, short.Public()},
		"another curve":         {"kid", ES256, other.Public()},
		"another algorithm":     {"kid", ES256, good},
		"an unknown algorithm":  {"kid", "HS256", good},
		"no name":               {"", RS256, good},
		"a name with a quote":   {`a"b`, RS256, good},
		"a name without an end": {strings.Repeat("x", 256), RS256, good},
		"no key":                {"kid", RS256, nil},
	} {
		if _, err := m.AddForeignKeys(t.Context(), []ForeignKey{k}, 0); err == nil {
			t.Errorf("%s is remembered", name)
		}
	}
	var many []ForeignKey
	for i := range maxForeignKeys + 1 {
		many = append(many, ForeignKey{fmt.Sprint("kid", i), RS256, good})
	}
	if _, err := m.AddForeignKeys(t.Context(), many[1:], 0); err != nil {
		t.Error(err)
	}
	if _, err := m.AddForeignKeys(t.Context(), many, 0); err == nil {
		t.Error("there is room for more than there is")
	}
}

func TestRemoveRejectsTheCurrentKey(t *testing.T) {
	t.Parallel()

	m, _, c := started(t, EdDSA)
	old := signer(t, m, EdDSA)
	token, err := m.Sign(t.Context(), EdDSA, "JWT", []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Remove(t.Context(), old); !errors.Is(err, ErrSigning) {
		t.Errorf("Remove of the current key = %v", err)
	}
	if err := m.Remove(t.Context(), "nobody's"); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("Remove of no key = %v", err)
	}
	c.advance(time.Hour)
	if _, err := m.Rotate(t.Context(), EdDSA); err != nil {
		t.Fatal(err)
	}
	if err := m.Remove(t.Context(), old); err != nil {
		t.Errorf("Remove of a past key = %v", err)
	}
	if _, _, err := m.Verify(token, "JWT"); !errors.Is(err, ErrBadToken) {
		t.Errorf("what it signed: %v", err)
	}
	next := ""
	for _, r := range m.keys.current.Load().records {
		if r.State == Next {
			next = r.KID
		}
	}
	if err := m.Remove(t.Context(), next); err != nil {
		t.Errorf("Remove of the next key = %v", err)
	}
	pass(t, m)
	if list := m.keys.current.Load().lineOf(EdDSA).next; len(list) != 1 || list[0].KID == next {
		t.Errorf("next are %+v, want another one", list)
	}
}

func TestExportIncludesPrivateKeysOnRequest(t *testing.T) {
	t.Parallel()

	m, _, _ := started(t, ES256, EdDSA)
	if _, err := m.AddForeignKeys(t.Context(), []ForeignKey{{"theirs", RS256, rsaKey(t).Public()}}, 0); err != nil {
		t.Fatal(err)
	}
	for _, private := range []bool{false, true} {
		keys, err := m.Export(t.Context(), private)
		if err != nil || len(keys) != 5 {
			t.Fatalf("Export = %d keys, %v; want 5", len(keys), err)
		}
		for _, k := range keys {
			text, err := k.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			var again jose.JSONWebKey
			if err := again.UnmarshalJSON(text); err != nil {
				t.Fatal(err)
			}
			if got, want := !again.IsPublic(), private && k.KeyID != "theirs"; got != want {
				t.Errorf("private %t: key %s is private: %t", private, k.KeyID, got)
			}
		}
	}
}
