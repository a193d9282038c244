package recoverycode

import (
	"bytes"
	"strings"
	"testing"
)

func TestSetsHaveTenDifferentCodes(t *testing.T) {
	t.Parallel()

	seen := map[string]bool{}
	for range 100 {
		set := NewSet()
		if len(set) != Count {
			t.Fatalf("a set has %d codes, want %d", len(set), Count)
		}
		for _, shown := range set {
			code, ok := Parse(shown)
			if !ok || len(shown) != 11 || shown[5] != '-' || code != strings.ReplaceAll(shown, "-", "") {
				t.Errorf("Parse(%q) = %q, %t", shown, code, ok)
			}
			if seen[code] {
				t.Errorf("the code %s repeats", code)
			}
			seen[code] = true
		}
	}
}

func TestEnteredCodesAreForgiven(t *testing.T) {
	t.Parallel()

	for _, entered := range []string{
		"10AZ9-VWXY1", "10az9-vwxy1", "IOAZ9-VWXYL", "ioaz9vwxyl", " 10AZ9 VWXY1\n", "10AZ9\u2013VWXY1", "1 0 a z 9 - v w x y i",
	} {
		if code, ok := Parse(entered); !ok || code != "10AZ9VWXY1" {
			t.Errorf("Parse(%q) = %q, %t, want 10AZ9VWXY1", entered, code, ok)
		}
	}
	for _, entered := range []string{"", "10AZ9-VWXY", "10AZ9-VWXY11", "10AZ9-VWXYU", "10AZ9-VWXY\u00e4", strings.Repeat(" ", 60) + "10AZ9VWXY1", "10AZ9_VWXY1"} {
		if code, ok := Parse(entered); ok {
			t.Errorf("Parse(%q) = %q, want no code", entered, code)
		}
	}
}

func TestHashesDependOnKeyAndCode(t *testing.T) {
	t.Parallel()

	key := NewKey()
	hash := Hash(key, "10AZ9VWXY1")
	if !bytes.Equal(hash, Hash(key, "10AZ9VWXY1")) {
		t.Error("the same code has two hashes")
	}
	if bytes.Equal(hash, Hash(NewKey(), "10AZ9VWXY1")) || bytes.Equal(hash, Hash(key, "10AZ9VWXY2")) {
		t.Error("another key or another code has the same hash")
	}
}
