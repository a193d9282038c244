package account_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/ostiary/ostiary/internal/account"
)

func TestCanonicalUsername(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"ada": "ada", " Ada ": "ada", "ＡＤＡ": "ada", "STRASSE": "strasse", "straße": "strasse", "Ada@Example.com": "ada@example.com", //nolint:gocritic // the test is about spaces
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

// Users type the stored spelling again: the canonical form of a canonical form is itself.
func TestCanonicalUsernameIsIdempotent(t *testing.T) {
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

func TestUsername(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"ada": "ada", " Ada ": "ada", "ＡＤＡ": "ada", "straße": "straße", "STRASSE": "strasse", "Ada@Example.com": "ada@example.com", //nolint:gocritic // the test is about spaces
		"Äda": "äda", "ΣΊΣΥΦΟΣ": "σίσυφοσ", "o'neil_7": "o'neil_7",
	} {
		if got, err := account.Username(in); err != nil || got != want {
			t.Errorf("Username(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
	for _, bad := range []string{"", " ", "a b", "a\tb", "a\u200bb", "a\u202eb", "a\x00", "\xff", strings.Repeat("a", 129), "\ufb01sh", "a☕", "a€"} {
		if got, err := account.Username(bad); err == nil {
			t.Errorf("Username(%q) = %q, want an error", bad, got)
		}
	}
}

// A user finds the account under the form of an earlier version, too.
func TestUsernameForms(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"Ada": {"ada"}, "Straße": {"straße", "strasse"}, "a☕": {"a☕"}, "ﬁsh": {"fish"}, "a b": nil,
	} {
		if got := account.UsernameForms(in); !slices.Equal(got, want) {
			t.Errorf("UsernameForms(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCheckUsernames(t *testing.T) {
	t.Parallel()
	changed, err := account.CheckUsernames(slices.Values([]string{" external b", "ada", "a☕", "\u13a0x"}))
	if want := []string{"a☕", "\u13a0x"}; err != nil || !slices.Equal(changed, want) {
		t.Errorf("CheckUsernames = %q, %v, want %q", changed, err, want)
	}
	_, err = account.CheckUsernames(slices.Values([]string{"ada", "\u13a0x", "\uab70x"}))
	if err == nil || !strings.Contains(err.Error(), "\u13a0x") || !strings.Contains(err.Error(), "\uab70x") {
		t.Errorf("CheckUsernames of a collision = %v, want an error with both names", err)
	}
}

func TestUsernameRejectsInvisibleCharacters(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"ada": true, "Ädä-1": true, "ᏣᎳᎩ": true, "مریم": true,
		"ada\u034f": false, "ada\ufe0f": false, "ada\u3164": false, "ada\U000e0100": false, "ada\u115f": false, "a b": false,
	} {
		if _, err := account.Username(name); (err == nil) != want {
			t.Errorf("Username(%+q) = %v, want it accepted: %v", name, err, want)
		}
	}
}
