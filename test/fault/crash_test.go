//go:build fault

package fault

import (
	"fmt"
	"slices"
	"testing"

	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/test/rig"
)

// Replicas are killed repeatedly while 2,000 codes are exchanged and refreshed. Each
// replica is restarted before the next kill; some kills hit both.
func TestKillsLoseNoAcknowledgedOperation(t *testing.T) {
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			var url string
			if engine == rig.Postgres {
				url = storetest.StartPostgres(t, storetest.Options{Durable: true}).URL()
			} else {
				url = rig.Database(t, engine)
			}
			h := newFixture(t, rig.Options{Database: url})
			random := newRandom(t)
			n := rounds(2000)
			kills := make([]int64, rounds(20)/2)
			for i := range kills {
				kills[i] = random.Int64N(expected(n)*9/10) + 1
			}
			slices.Sort(kills)

			l := startLoad(t, h, n)
			for i, moment := range kills {
				l.waitFor(moment)
				victims := []int{random.IntN(h.Len())}
				if i%3 == 0 {
					victims = []int{0, 1}
				}
				l.recordFault(fmt.Sprintf("kill %v", victims))
				runWorkers(victims, func(_, victim int) { h.Kill(victim) })
				runWorkers(victims, func(_, victim int) { h.Restart(victim) })
				l.recordFault(fmt.Sprintf("back %v", victims))
			}
			l.finish()
		})
	}
}
