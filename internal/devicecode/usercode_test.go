package devicecode_test

import (
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/devicecode"
)

func TestNewUserCodeUsesUnambiguousLetters(t *testing.T) {
	t.Parallel()
	seen := map[rune]int{}
	for range 2000 {
		code := devicecode.NewUserCode()
		parsed, ok := devicecode.ParseUserCode(code)
		if !ok || len(code) != 9 || code[4] != '-' || devicecode.FormatUserCode(parsed) != code {
			t.Fatalf("NewUserCode() = %q, read as %q", code, parsed)
		}
		for _, letter := range parsed {
			seen[letter]++
		}
	}
	if len(seen) != 20 || strings.ContainsAny(lettersOf(seen), "AEIOUY01") {
		t.Errorf("the letters are %s", lettersOf(seen))
	}
	for letter, n := range seen {
		if n < 600 || n > 1000 { // the expected 800, with 7 standard deviations
			t.Errorf("of 16,000 letters %d are %c", n, letter)
		}
	}
}

func lettersOf(seen map[rune]int) string {
	var b strings.Builder
	for letter := range seen {
		b.WriteRune(letter)
	}
	return b.String()
}

func TestParseUserCodeAcceptsSeparatorsAndLowerCase(t *testing.T) {
	t.Parallel()
	for entered, want := range map[string]string{
		"WDJB-MJHT": "WDJBMJHT", "wdjb mjht": "WDJBMJHT", " WdJbMjHt\t": "WDJBMJHT", "WDJB–MJHT": "WDJBMJHT", "W.D.J.B.M.J.H.T": "WDJBMJHT",
		"": "", "WDJB-MJH": "", "WDJB-MJHTT": "", "WDJB-MJHA": "", "WDJB-MJH1": "", "WDJB/MJHT": "", "ẂDJBMJHT": "", "WDJB-MJHſ": "",
		strings.Repeat("-", 60) + "WDJBMJHT": "",
	} {
		got, ok := devicecode.ParseUserCode(entered)
		if ok != (want != "") || ok && got != want {
			t.Errorf("ParseUserCode(%q) = %q, %v, want %q", entered, got, ok, want)
		}
	}
}

// FuzzParseUserCode checks that every accepted text normalizes to a valid code.
func FuzzParseUserCode(f *testing.F) {
	for _, seed := range []string{"WDJB-MJHT", "wdjb mjht", "", "AAAA-AAAA", "\x00\xff", "WDJB\u2013MJHT"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, entered string) {
		code, ok := devicecode.ParseUserCode(entered)
		if !ok {
			return
		}
		again, ok := devicecode.ParseUserCode(devicecode.FormatUserCode(code))
		if !ok || again != code || len(code) != 8 {
			t.Errorf("%q is read as %q, and that as %q", entered, code, again)
		}
	})
}
