//go:build fault

package fault

import (
	"encoding/json"
	"testing"

	"github.com/ostiary/ostiary/migrations"
	"github.com/ostiary/ostiary/test/rig"
)

func TestConcurrentMigrations(t *testing.T) {
	t.Parallel()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			for range rounds(20) {
				env := map[string]string{"DATABASE_URL": rig.Database(t, engine)}
				rig.Build(t)
				applied := map[string]int{}
				for i, r := range concurrently(3, func(int) rig.Result { return rig.RunAlone(t, env, "migrate", "up", "--json") }) {
					var steps []string
					if r.Code != 0 || json.Unmarshal([]byte(r.Stdout), &steps) != nil {
						t.Fatalf("process %d: exit code %d\n%s%s", i, r.Code, r.Stdout, r.Stderr)
					}
					for _, step := range steps {
						applied[step]++
					}
				}
				if int64(len(applied)) != migrations.Newest() {
					t.Errorf("applied steps %v, want %d", applied, migrations.Newest())
				}
				for step, times := range applied {
					if times != 1 {
						t.Errorf("step %s was applied %d times", step, times)
					}
				}
				again := rig.RunAlone(t, env, "migrate", "up", "--json")
				if again.Code != 0 || again.Stdout != "[]\n" {
					t.Errorf("second run: exit code %d, %s%s, want no steps", again.Code, again.Stdout, again.Stderr)
				}
				if t.Failed() {
					return
				}
			}
		})
	}
}
