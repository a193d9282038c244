package servertest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Contains fails the test if text lacks one of the parts.
func Contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("got %q, which lacks %q", text, part)
		}
	}
}

// Lacks fails the test if text contains one of the parts.
func Lacks(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if strings.Contains(text, part) {
			t.Errorf("got %q, which holds %q", text, part)
		}
	}
}

// WantMembers fails the test if a member of want differs in got. A nil value matches a member that
// is absent or null. Members that only got has are ignored.
func WantMembers(tb testing.TB, got, want Object) {
	tb.Helper()
	for name, value := range want {
		if diff := cmp.Diff(value, got[name]); diff != "" {
			tb.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Must stops the test if err is not nil.
func Must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
