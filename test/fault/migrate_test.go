//go:build fault

package fault

import (
	"encoding/json"
	"io/fs"
	"testing"

	"github.com/ostiary/ostiary/migrations"
	"github.com/ostiary/ostiary/test/rig"
)

func TestConcurrentMigrations(t *testing.T) {
	t.Parallel()
	all, err := fs.Glob(migrations.Files, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			steps := len(all) - len(migrations.NotFor(string(engine)))
			for range rounds(20) {
				env := map[string]string{"DATABASE_URL": rig.Database(t, engine)}
				rig.Build(t)
				applied := map[string]int{}
				for i, r := range concurrently(3, func(int) rig.Result { return rig.RunAlone(t, env, "migrate", "up", "--json") }) {
					var own []string
					if r.Code != 0 || json.Unmarshal([]byte(r.Stdout), &own) != nil {
						t.Fatalf("process %d: exit code %d\n%s%s", i, r.Code, r.Stdout, r.Stderr)
					}
					for _, step := range own {
						applied[step]++
					}
				}
				if len(applied) != steps {
					t.Errorf("applied steps %v, want %d", applied, steps)
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
