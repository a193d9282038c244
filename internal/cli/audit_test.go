package cli_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

// Every command that changes data writes an audit event. A new command must be added either to
// auditActions or to the list of read-only commands.
func TestEveryCommandIsAuditedOrReadOnly(t *testing.T) {
	t.Parallel()

	readOnly := []string{
		"apikeys list", "attributes list", "audit", "ciba list", "clients check", "clients get", "clients list", "clients secrets", "clients usage", "completion", "detail-types get", "detail-types list", "dev", "explain", "grants list", "groups list", "healthcheck", "introspect",
		"keys list", "keysets get", "keysets list", "mails list", "mails test", "migrate status", "migrate up", "notices list", "perform authorization-code", "perform client-credentials", "perform device-code", "presets list", "presets show",
		"purge", "resources get", "resources list", "scopes get", "scopes list", "serve", "sessions list", "users activity", "users credentials list", "users get", "users list", "version",
	}
	changes := cli.AuditActions()
	for _, command := range model(t).Leaves(true) {
		path := strings.TrimPrefix(command.FullPath(), "ostiary ")
		if (changes[path] != "") == slices.Contains(readOnly, path) {
			t.Errorf("%s must be either in auditActions or in this list", path)
		}
		delete(changes, path)
	}
	if len(changes) > 0 {
		t.Errorf("auditActions has unknown commands: %v", changes)
	}
}

func TestCommandsAreAudited(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	sh.Must("clients", "create", "--id=shop", "--redirect-uri=https://shop.example/cb", "--name=Shop")
	sh.Must("clients", "update", "shop", "--name=The Shop")
	sh.MustFail("clients", "delete", "--yes", "nobody")
	sh.Must("clients", "list")
	sh.MustFail("revoke", "--set=issuer=https://id.example", "a-token-that-is-none")
	sh.Input = servertest.Password + "\n"
	sh.Must("users", "create", "ada", "--password-file=-")
	sh.Input = ""
	sh.Must("apikeys", "create", "nightly", "--scope=clients:read")
	sh.Must("keysets", "create", "mine", "--alg=ES256", "--kid=first")
	sh.Input = sh.Must("keysets", "get", "mine", "--private", "--json")
	sh.Must("keysets", "import", "copy", "-")
	sh.Must("keysets", "delete", "--yes", "mine", "first")
	sh.Must("clients", "delete", "--yes", "shop")

	var events []cli.EventView
	sh.JSON(&events, "audit")
	var got []string
	for _, e := range slices.Backward(events) {
		got = append(got, e.Action+" "+e.Target+" "+e.Outcome)
		if e.By != "cli" || e.ActorID == "" || e.At.IsZero() {
			t.Errorf("an event lacks who or when: %+v", e)
		}
	}
	key := ""
	for _, e := range events {
		if e.Action == "apikey.create" {
			key = e.Target
		}
	}
	want := []string{
		"client.create shop done", "client.update shop done", "client.delete nobody refused", "token.revoke  refused",
		"user.create ada done", "apikey.create " + key + " done",
		"keys.create mine/first done", "keys.import copy done", "keys.delete mine/first done", "client.delete shop done",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the log has %q, want %q", got, want)
	}
	if strings.Contains(sh.Must("audit"), "a-token") {
		t.Error("the log has a token")
	}
	for _, tc := range []struct {
		args []string
		want int
	}{
		{[]string{"--action=client.delete"}, 2},
		{[]string{"--target=shop"}, 3},
		{[]string{"--target=shop", "--action=client.delete"}, 1},
		{[]string{"--actor=somebody-else"}, 0},
		{[]string{"--since=1h"}, 10},
		{[]string{"--since=7d"}, 10},
		{[]string{"--since=2999-01-01"}, 0},
		{[]string{"--limit=2"}, 2},
	} {
		var some []cli.EventView
		if sh.JSON(&some, append([]string{"audit"}, tc.args...)...); len(some) != tc.want {
			t.Errorf("audit %v lists %d, want %d", tc.args, len(some), tc.want)
		}
	}
	sh.MustFail("audit", "--since=yesterday")
}
