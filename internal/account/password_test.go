package account_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/ostiary/ostiary/internal/account"
)

func hasher(slots int, patience time.Duration) *account.Hasher {
	return account.NewHasher(64, 1, slots, patience) // cheap: the tests are about the rest
}

func TestAHashFitsItsPasswordAlone(t *testing.T) {
	t.Parallel()
	h := hasher(2, time.Second)
	hash, err := h.Hash(t.Context(), "påssword with ünicode")
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Fatalf("Hash = %q, %v", hash, err)
	}
	for password, want := range map[string]bool{
		"påssword with ünicode":             true,
		"pa\u030assword with u\u0308nicode": true, // the same text, composed otherwise
		"påssword with ünicode ":            false,
		"Påssword with ünicode":             false,
		"":                                  false,
		"påssword with ünicode" + "\x00" + "tail": false,
	} {
		if got, err := h.Verify(t.Context(), hash, password); err != nil || got != want {
			t.Errorf("Verify(%q) = %v, %v, want %v", password, got, err, want)
		}
	}
	again, err := h.Hash(t.Context(), "påssword with ünicode")
	if err != nil || again == hash {
		t.Errorf("two hashes of one password are alike: %q, %v", again, err)
	}
}

// Nothing is cut off: two long passwords that differ at their end are two.
func TestLongPasswordsCountWhole(t *testing.T) {
	t.Parallel()
	h := hasher(1, time.Second)
	long := strings.Repeat("x", account.MaxPassword-1)
	hash, err := h.Hash(t.Context(), long+"a")
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := h.Verify(t.Context(), hash, long+"b"); err != nil || ok {
		t.Errorf("another end of a long password: %v, %v", ok, err)
	}
}

func TestNoAccountIsNoMatch(t *testing.T) {
	t.Parallel()
	if ok, err := hasher(1, time.Second).Verify(t.Context(), "", "anything"); err != nil || ok {
		t.Errorf("Verify of an absent account = %v, %v", ok, err)
	}
}

func TestHashesThatAreNotOurs(t *testing.T) {
	t.Parallel()
	h := hasher(1, time.Second)
	const salt, key = "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for name, hash := range map[string]string{
		"text":                 "password",
		"half a bcrypt":        "$2b$12$AAAAAAAAAAAAAAAAAAAAAOAAAAAAAAAAAAAAA",
		"argon2i":              "$argon2i$v=19$m=64,t=1,p=1$" + salt + "$" + key,
		"another version":      "$argon2id$v=16$m=64,t=1,p=1$" + salt + "$" + key,
		"no memory":            "$argon2id$v=19$m=0,t=1,p=1$" + salt + "$" + key,
		"all the memory":       "$argon2id$v=19$m=4294967295,t=1,p=1$" + salt + "$" + key,
		"passes without end":   "$argon2id$v=19$m=64,t=4294967295,p=1$" + salt + "$" + key,
		"a key of nothing":     "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$",
		"a salt that is short": "$argon2id$v=19$m=64,t=1,p=1$AA$" + key,
		"more than costs":      "$argon2id$v=19$m=64,t=1,p=1,x=1$" + salt + "$" + key,
		"a line end":           "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + key + "\n",
		"cut off":              "$argon2id$v=19$m=64,t=1,p=1$" + salt,
	} {
		if ok, err := h.Verify(t.Context(), hash, "password"); ok || !errors.Is(err, account.ErrBadHash) {
			t.Errorf("%s: Verify = %v, %v, want ErrBadHash", name, ok, err)
		}
		if err := account.CheckHash(hash); !errors.Is(err, account.ErrBadHash) {
			t.Errorf("%s: CheckHash = %v, want ErrBadHash", name, err)
		}
	}
}

// Hashing is bounded: a few run, a few wait, the rest is told at once that the
// house is full, and nobody waits for ever.
func TestHashingIsBounded(t *testing.T) {
	t.Parallel()
	slow := account.NewHasher(64<<10, 3, 1, 20*time.Millisecond)
	var wait sync.WaitGroup
	results := make(chan error, 16)
	for range 16 {
		wait.Go(func() {
			_, err := slow.Hash(t.Context(), "password")
			results <- err
		})
	}
	wait.Wait()
	close(results)
	var done, busy int
	for err := range results {
		switch {
		case err == nil:
			done++
		case errors.Is(err, account.ErrBusy):
			busy++
		default:
			t.Errorf("Hash: %v", err)
		}
	}
	if done == 0 || busy == 0 {
		t.Errorf("%d hashed, %d were told to come back, want some of both", done, busy)
	}
	if _, err := slow.Hash(t.Context(), "password"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := hasher(0, time.Minute).Hash(gone, "password"); !errors.Is(err, context.Canceled) && !errors.Is(err, account.ErrBusy) {
		t.Errorf("a caller who has gone: %v", err)
	}
}

func TestUsernamesHaveOneSpelling(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"ada": "ada", " Ada ": "ada", "ＡＤＡ": "ada", "STRASSE": "strasse", "straße": "strasse", "Ada@Example.com": "ada@example.com", //nolint:gocritic // the spaces are the case
	} {
		if got, err := account.CanonicalUsername(in); err != nil || got != want {
			t.Errorf("CanonicalUsername(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
	for _, bad := range []string{"", " ", "a b", "a\tb", "a\u200bb", "a\u202eb", "a\x00", "\xff", strings.Repeat("a", 129)} {
		if got, err := account.CanonicalUsername(bad); err == nil {
			t.Errorf("CanonicalUsername(%q) = %q, want an error", bad, got)
		}
	}
}

// What is stored is shown, typed again, and must be found: the spelling of a
// spelling is itself.
func TestTheSpellingOfAUsernameStays(t *testing.T) {
	t.Parallel()
	for r := rune(0); r <= 0x1ffff; r++ {
		if unicode.In(r, unicode.Han, unicode.Hangul) || !unicode.IsGraphic(r) {
			continue // many, and without case
		}
		for _, name := range []string{string(r), "\u03b1\u0345" + string(r) + "\u0301"} {
			once, err := account.CanonicalUsername(name)
			if err != nil {
				continue
			}
			if twice, err := account.CanonicalUsername(once); twice != once || err != nil {
				t.Errorf("CanonicalUsername(%+q) = %+q, and of that %+q, %v", name, once, twice, err)
			}
		}
	}
}

func TestAChosenUsernameShowsAllOfItself(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"ada": true, "Ädä-1": true, "ᏣᎳᎩ": true, "مریم": true,
		"ada\u034f": false, "ada\ufe0f": false, "ada\u3164": false, "ada\U000e0100": false, "ada\u115f": false, "a b": false,
	} {
		if _, err := account.ChosenUsername(name); (err == nil) != want {
			t.Errorf("ChosenUsername(%+q) = %v, want it accepted: %v", name, err, want)
		}
	}
}

func TestChosenPasswords(t *testing.T) {
	t.Parallel()
	for password, want := range map[string]bool{
		"1234567": false, "12345678": true, "пароль12": true, "with spaces in it": true, "": false,
		strings.Repeat("a", account.MaxPassword): true, strings.Repeat("a", account.MaxPassword+1): false, "1234567\xff": false,
	} {
		if got := account.CheckPassword(password) == nil; got != want {
			t.Errorf("CheckPassword(%.20q) accepts: %v, want %v", password, got, want)
		}
	}
}
