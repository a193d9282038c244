package cli_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A command reports a change only after no replica uses the previous state. Here it stops waiting
// for a replica that hangs.
func TestOutputWaitsUntilChangeIsInForce(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, address string) {
		t.Helper()
		clitest.UnsetEnvironment(t)
		sh := &clitest.Shell{T: t, Dir: t.TempDir(), Settings: []string{"--set=database_url=" + address, "--set=system_secrets=" + servertest.SystemSecret}}
		sh.Must("clients", "create", "--id=shop", "--redirect-uri=https://shop.example/cb")
		sh.Must("clients", "create", "--id=cafe", "--redirect-uri=https://cafe.example/cb")
		for _, tc := range []struct{ command, want string }{
			{"clients update shop --name=Shop", "Shop"},
			{"clients rotate-secret shop", "shop"},
			{"clients delete --yes cafe", "deleted cafe"},
		} {
			storetest.Exec(t, address, `DELETE FROM replicas`)
			storetest.Exec(t, address, `INSERT INTO replicas (id, seen, ttl, suspected) VALUES ('hangs', 0, 1, 0)`)
			out := &watchedOutput{t: t, address: address}
			args := append(slices.Clone(sh.Settings), strings.Fields(tc.command)...)
			var complaint bytes.Buffer
			if code := cli.Run(t.Context(), servertest.Version, args, cli.Streams{strings.NewReader(""), out, &complaint}); code != 0 {
				t.Fatalf("%s = exit code %d: %s", tc.command, code, complaint.String())
			}
			servertest.Contains(t, out.text.String(), tc.want)
			if out.early {
				t.Errorf("%s reported its change while a replica may use the previous state", tc.command)
			}
		}
	})
}

// watchedOutput records whether output is written before the command marks the replica that
// hangs as suspected.
type watchedOutput struct {
	t       *testing.T
	address string
	text    bytes.Buffer
	early   bool
}

func (w *watchedOutput) Write(p []byte) (int, error) {
	w.t.Helper()
	w.early = w.early || storetest.Text(w.t, w.address, `SELECT suspected FROM replicas`) != "1"
	return w.text.Write(p)
}
