//go:build fault

package fault

import (
	"testing"
)

// A rolling restart under load: each replica in turn reports that it is not ready,
// finishes its requests, exits with 0 and is restarted. No request fails.
func TestRollingRestartFailsNoRequest(t *testing.T) {
	eachEngine(t, func(t *testing.T, h *fixture) { //nolint:thelper // this function is the test, not a helper
		n := rounds(5000)
		l := startLoad(t, h, n)
		restarts := 0
		for i := 0; ; i++ {
			l.waitFor(expected(n) * int64(i+1) / 10)
			select {
			case <-l.finished:
			default:
				l.recordFault("stop")
				h.Stop(i % h.Len())
				h.Restart(i % h.Len())
				restarts++
				continue
			}
			break
		}
		if restarts < 2 {
			t.Errorf("only %d restarts under load", restarts)
		}
		t.Logf("%d restarts", restarts)
		for _, e := range l.finish() {
			if e.Result == unknown {
				t.Errorf("%s failed: %s", e.Op, e.Detail)
			}
		}
	})
}
