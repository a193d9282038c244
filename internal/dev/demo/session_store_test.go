package demo

import (
	"testing"
	"time"
)

func TestSessionsExpireAndAreBounded(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	s := newSessionStore[int](func() time.Time { return now }, 2, time.Minute)

	s.put("a", 1)
	now = now.Add(time.Second)
	s.put("b", 2)
	s.put("c", 3)
	if _, ok := s.get("a"); ok {
		t.Error("the oldest of three is still there, and there is room for two")
	}
	if got, ok := s.take("b"); !ok || got != 2 {
		t.Errorf("take(b) = %d, %t, want 2, true", got, ok)
	}
	if _, ok := s.take("b"); ok {
		t.Error("b was taken twice")
	}
	now = now.Add(time.Minute)
	if _, ok := s.get("c"); ok {
		t.Error("c outlived its minute")
	}
	if _, ok := s.take("c"); ok {
		t.Error("c was taken after its minute")
	}
}

func TestDurationsInWords(t *testing.T) {
	t.Parallel()

	for want, d := range map[string]time.Duration{
		"just now":       400 * time.Millisecond,
		"in 1 second":    time.Second,
		"in 59 seconds":  59 * time.Second,
		"in 60 minutes":  time.Hour,
		"in 2 hours":     2 * time.Hour,
		"in 30 days":     30 * 24 * time.Hour,
		"3 seconds ago":  -3 * time.Second,
		"12 minutes ago": -12 * time.Minute,
	} {
		if got := formatDuration(d); got != want {
			t.Errorf("inWords(%s) = %q, want %q", d, got, want)
		}
	}
}
