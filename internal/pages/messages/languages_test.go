package messages_test

import (
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

func TestPluralsOfLanguages(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string][3]string{
		"en": {"0 hours", "1 hour", "2 hours"}, "fr": {"0 heure", "1 heure", "2 heures"}, "ja": {"0 時間", "1 時間", "2 時間"},
	} {
		c, err := messages.Load(tag)
		if err != nil {
			t.Fatal(err)
		}
		for n, text := range want {
			if got := c.Text(messages.New("duration.hours", "n", n)); got != text {
				t.Errorf("%d hours in %s = %q, want %q", n, tag, got, text)
			}
		}
	}
}

func TestPseudoLanguageHasNoLatinLetter(t *testing.T) {
	t.Parallel()
	c, err := messages.Load(messages.Pseudo)
	if err != nil {
		t.Fatal(err)
	}
	got := c.Text(messages.New("consent.heading", "client", "1"))
	if c.Direction != "rtl" || !strings.HasPrefix(got, "1 ") || strings.ContainsAny(got, "abcdefghijklmnopqrstuvwxyz") {
		t.Errorf("direction %s, text %q", c.Direction, got)
	}
}

func TestUnknownLanguage(t *testing.T) {
	t.Parallel()
	if _, err := messages.Load("tlh"); err == nil {
		t.Error("an unknown language is loaded")
	}
}
