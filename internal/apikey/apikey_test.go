package apikey

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestKeyMatchesOnlyItsText(t *testing.T) {
	t.Parallel()

	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	k, text := New("login app", []string{RequestsRead}, now, now.Add(time.Hour))
	if id, ok := Parse(text); !ok || id != k.ID || !k.Matches(text, now) {
		t.Fatalf("Parse(%q) = %q, %v", text, id, ok)
	}
	if bytes.Contains(k.Hash, []byte(text)) || !k.Allows(RequestsRead) || k.Allows(RequestsWrite) {
		t.Errorf("the key is %+v", k)
	}
	if k.Matches(text, now.Add(time.Hour)) {
		t.Error("an expired key matches")
	}
	_, other := New("login app", nil, now, time.Time{})
	if k.Matches(other, now) || k.Matches(text[:len(text)-1]+"x", now) {
		t.Error("another text matches the key")
	}
	for _, text := range []string{"", "ost_ak_", text[1:], text + "0", strings.ToUpper(text), text[:len(text)-1] + "\n", strings.Replace(text, "ost", "OST", 1)} {
		if id, ok := Parse(text); ok {
			t.Errorf("Parse(%q) = %q, want no key", text, id)
		}
	}
}
