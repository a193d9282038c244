package grant_test

import (
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
)

func TestPartitionsFollowTheClock(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 20, 59, 59, 0, time.UTC)
	for name, tc := range map[string]struct {
		refreshable bool
		within      time.Duration // how long a partition lasts
	}{
		"an hour without refresh": {false, time.Hour},
		"a week with refresh":     {true, 7 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := grant.PartitionAt(at, tc.refreshable)
			end := b.End()
			if !end.After(at) || end.Sub(at) > tc.within {
				t.Errorf("BucketAt(%v).End() = %v, want within %v", at, end, tc.within)
			}
			if got := grant.PartitionAt(end.Add(-time.Microsecond), tc.refreshable); got != b {
				t.Errorf("just before its end the partition is %d, want %d", got, b)
			}
			if got := grant.PartitionAt(end, tc.refreshable); got != b.Next() {
				t.Errorf("at its end the partition is %d, want the next one, %d", got, b.Next())
			}
			if b.Weekly() != tc.refreshable {
				t.Errorf("Weekly() = %v, want %v", b.Weekly(), tc.refreshable)
			}
		})
	}
}

func TestIDsGrowWithTime(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_800_000_000, 0)
	earlier, later := grant.NewID(at), grant.NewID(at.Add(time.Millisecond))
	if earlier.String() >= later.String() {
		t.Errorf("the id %v of an earlier grant does not lie before %v", earlier, later)
	}
	if earlier[6]>>4 != 7 || earlier[8]>>6 != 2 {
		t.Errorf("%v is not a UUID of version 7", earlier)
	}
	parsed, err := grant.ParseID(earlier.String())
	if err != nil || parsed != earlier {
		t.Errorf("ParseID(String()) = %v, %v, want %v", parsed, err, earlier)
	}
	for _, bad := range []string{"", "zz", earlier.String() + "0", earlier.String()[:31] + "g"} {
		if _, err := grant.ParseID(bad); err == nil {
			t.Errorf("ParseID(%q) succeeds", bad)
		}
	}
}
