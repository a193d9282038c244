package cli_test

import (
	"encoding/json"
	"testing"

	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

func TestResourceLifecycle(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	read := func(out string) (resource servertest.Object) {
		t.Helper()
		if err := json.Unmarshal([]byte(out), &resource); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return resource
	}
	const pay = "https://pay.example"
	made := read(sh.Must("resources", "create", pay, "--name", "Payments", "--scope", "read", "--scope", "write", "--access-token-lifetime", "5m",
		"--access-token-signing-alg", "RS256", "--require-sender-constraint", "--client", "shop", "--introspection-client", "pay-server", "--json"))
	servertest.WantMembers(t, made, servertest.Object{
		"identifier": pay, "name": "Payments", "scopes": []any{"read", "write"}, "access_token_lifetime": 300.0, "access_token_signing_alg": "RS256",
		"require_sender_constraint": true, "clients": []any{"shop"}, "introspection_clients": []any{"pay-server"}, "all_clients": false, "shared_tokens": false,
	})
	servertest.Contains(t, sh.MustFail("resources", "create", pay+"/", "--name", "Again"), "exists already")
	servertest.Contains(t, sh.MustFail("resources", "create", "pay", "--name", "Relative"), "identifier must be")
	servertest.Contains(t, sh.MustFail("resources", "create", "https://other.example"), "name must be")
	servertest.Contains(t, sh.MustFail("resources", "create", "https://other.example", "--name", "A", "--scope", "a b"), "names of scopes")

	changed := read(sh.Must("resources", "update", pay+"/", "--scope", "", "--all-clients", "--access-token-format", "opaque", "--access-token-signing-alg", "", "--no-require-sender-constraint", "--json"))
	servertest.WantMembers(t, changed, servertest.Object{
		"identifier": pay, "name": "Payments", "scopes": []any{}, "access_token_format": "opaque", "access_token_signing_alg": "", "access_token_lifetime": 300.0,
		"require_sender_constraint": false, "all_clients": true, "clients": []any{"shop"},
	})
	servertest.WantMembers(t, read(sh.Must("resources", "get", pay, "--json")), changed)
	servertest.Contains(t, sh.Must("resources", "list"), pay, "Payments", "opaque")
	servertest.Contains(t, sh.MustFail("resources", "get", "https://other.example"), "not found")
	servertest.Contains(t, sh.MustFail("resources", "update", "https://other.example", "--name", "x"), "not found")

	servertest.Contains(t, sh.MustFail("resources", "delete", pay), "--yes")
	servertest.Contains(t, sh.Must("resources", "delete", pay, "--yes"), "deleted the resource "+pay)
	servertest.Contains(t, sh.MustFail("resources", "delete", pay, "--yes"), "not found")
	servertest.Contains(t, sh.Must("audit"), "resource.create", "resource.update", "resource.delete")
}
