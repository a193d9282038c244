package account_test

import (
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

func TestChosenUsernameRejectsInvisibleCharacters(t *testing.T) {
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
