package credential_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/credential"
)

func hasher(slots int, patience time.Duration) *credential.Hasher {
	return credential.NewHasher(64, 1, slots, patience) // cheap: the tests are about the rest
}

func TestHashMatchesOnlyItsPassword(t *testing.T) {
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

// Passwords are not truncated: long passwords that differ only at the end do not match.
func TestLongPasswordsAreNotTruncated(t *testing.T) {
	t.Parallel()
	h := hasher(1, time.Second)
	long := strings.Repeat("x", credential.MaxPassword-1)
	hash, err := h.Hash(t.Context(), long+"a")
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := h.Verify(t.Context(), hash, long+"b"); err != nil || ok {
		t.Errorf("another end of a long password: %v, %v", ok, err)
	}
}

func TestEmptyHashMatchesNoPassword(t *testing.T) {
	t.Parallel()
	if ok, err := hasher(1, time.Second).Verify(t.Context(), "", "anything"); err != nil || ok {
		t.Errorf("Verify of an absent account = %v, %v", ok, err)
	}
}

func TestInvalidHashesAreRejected(t *testing.T) {
	t.Parallel()
	h := hasher(1, time.Second)
	const salt, key = "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for name, hash := range map[string]string{
		"text":                 "password",
		"half a bcrypt":        "$2b$12$AAAAAAAAAAAAAAAAAAAAAOAAAAAAAAAAAAAAA",
		"argon2d":              "$argon2d$v=19$m=64,t=1,p=1$" + salt + "$" + key,
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
		if ok, err := h.Verify(t.Context(), hash, "password"); ok || !errors.Is(err, credential.ErrBadHash) {
			t.Errorf("%s: Verify = %v, %v, want ErrBadHash", name, ok, err)
		}
		if err := credential.CheckHash(hash); !errors.Is(err, credential.ErrBadHash) {
			t.Errorf("%s: CheckHash = %v, want ErrBadHash", name, err)
		}
	}
}

// A few callers compute, a few wait for a limited time, and all others get ErrBusy immediately.
func TestHasherQueueIsBounded(t *testing.T) {
	t.Parallel()
	slow := credential.NewHasher(64<<10, 3, 1, 20*time.Millisecond)
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
		case errors.Is(err, credential.ErrBusy):
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
	if _, err := hasher(0, time.Minute).Hash(gone, "password"); !errors.Is(err, context.Canceled) && !errors.Is(err, credential.ErrBusy) {
		t.Errorf("a caller who has gone: %v", err)
	}
}

func TestCheckPassword(t *testing.T) {
	t.Parallel()
	for password, want := range map[string]bool{
		"1234567": false, "12345678": true, "пароль12": true, "with spaces in it": true, "": false,
		strings.Repeat("a", credential.MaxCharacters): true, strings.Repeat("a", credential.MaxCharacters+1): false, "1234567\xff": false,
		strings.Repeat("e\u0301", credential.MaxCharacters): true, // composed by NFC
	} {
		if got := credential.CheckPassword(password) == nil; got != want {
			t.Errorf("CheckPassword(%.20q) accepts: %v, want %v", password, got, want)
		}
	}
}
