package meter

import (
	"testing"
	"time"
)

func TestStatOfAProcessWithAHostileName(t *testing.T) {
	t.Parallel()
	s, err := parseStat([]byte("42 (a) b (c) S 7 42 42 0 -1 4194560 1 2 3 4 150 50 10 5 20 0 9 0 100 0 0"))
	if err != nil {
		t.Fatal(err)
	}
	if want := (stat{parent: 7, own: 2 * time.Second, children: 150 * time.Millisecond}); *s != want {
		t.Errorf("parseStat = %+v, want %+v", *s, want)
	}
	if _, err := parseStat([]byte("42 (short) S 7")); err == nil {
		t.Error("parseStat accepts a line without times")
	}
}

func TestSpansOfReadings(t *testing.T) {
	t.Parallel()
	first := Reading{Server: 1, Statements: 10, Writes: 3}
	second := Reading{Server: 5, Statements: 30, Writes: 4}
	spent := second.Since(first)
	if want := (Reading{Server: 4, Statements: 20, Writes: 1}); spent != want {
		t.Errorf("Since = %+v, want %+v", spent, want)
	}
	if got := spent.Plus(Reading{Statements: -1}); got.Statements != -1 {
		t.Errorf("statements of a span that was not counted = %d, want -1", got.Statements)
	}
}
