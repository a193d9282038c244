package refusal_test

import (
	"testing"

	"github.com/ostiary/ostiary/internal/refusal"
)

func TestDiffer(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		sent, registered string
		want             refusal.Difference
		character        string
	}{
		{"https://a.example/cb", "https://a.example/cb", refusal.SameURL, ""},
		{"https://a.example/cb", "https://a.example/cb/", refusal.DifferentEnd, "/"},
		{"https://a.example/cb?", "https://a.example/cb", refusal.DifferentEnd, "?"},
		{"https://a.example/CB", "https://a.example/cb", refusal.DifferentCase, ""},
		{"http://a.example/cb", "https://a.example/cb", refusal.DifferentScheme, ""},
		{"https://b.example/cb", "https://a.example/cb", refusal.DifferentHost, ""},
		{"https://***@a.example/cb", "https://a.example/cb", refusal.DifferentHost, ""},
		{"https://a.example:8443/cb", "https://a.example/cb", refusal.DifferentPort, ""},
		{"https://a.example/callback", "https://a.example/cb", refusal.DifferentPath, ""},
		{"urn:x:other", "urn:x:one", refusal.DifferentPath, ""},
		{"https://a.example/cb?x=***", "https://a.example/cb", refusal.DifferentQuery, ""},
		{"https://a.example:x/cb", "https://a.example/cb", refusal.DifferentURL, ""},
		{"https://a.example/cb/\u00e9", "https://a.example/cb/", refusal.DifferentPath, ""},
	} {
		if got, character := refusal.Differ(tc.sent, tc.registered); got != tc.want || character != tc.character {
			t.Errorf("Differ(%q, %q) = %q, %q, want %q, %q", tc.sent, tc.registered, got, character, tc.want, tc.character)
		}
	}
}

func TestClosest(t *testing.T) {
	t.Parallel()
	const list = "https://a.example/cb https://b.example/one https://b.example/two"
	for sent, want := range map[string]string{
		"https://b.example/two/": "https://b.example/two", "https://a.example/": "https://a.example/cb", "x": "https://a.example/cb", "": "https://a.example/cb",
	} {
		if got := refusal.Closest(sent, list); got != want {
			t.Errorf("Closest(%q) = %q, want %q", sent, got, want)
		}
	}
	if got := refusal.Closest("https://a.example/cb", ""); got != "" {
		t.Errorf("Closest of an empty list = %q", got)
	}
}
