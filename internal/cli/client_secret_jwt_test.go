package cli_test

import (
	"testing"

	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/keyring"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

func TestClientSecretJWTSecrets(t *testing.T) {
	t.Parallel()
	sh := clitest.NewShell(t)
	var made cli.ClientView
	sh.JSON(&made, "clients", "create", "--id=mac", "--grant-type=client_credentials", "--auth-method=client_secret_jwt")
	revealed := func(systemSecret string) string {
		t.Helper()
		c, err := sh.Store().Clients.Client(t.Context(), "mac")
		if err != nil {
			t.Fatal(err)
		}
		secrets, err := keyring.New(systemSecret)
		if err != nil {
			t.Fatal(err)
		}
		secret, err := c.Secret.Reveal(secrets, "mac")
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	if got := revealed(servertest.SystemSecret); len(got) < 64 || got != made.Secret {
		t.Errorf("kept %q, printed %q", got, made.Secret)
	}
	servertest.Lacks(t, sh.Must("clients", "get", "mac"), made.Secret, "sealed$")
	servertest.Contains(t, sh.MustFail("clients", "create", "--grant-type=client_credentials", "--auth-method=client_secret_jwt", "--secret=short-one"), "at least 32")

	sh.Must("clients", "update", "mac", "--auth-method=client_secret_basic")
	if !verifies(t, sh, "mac", made.Secret) {
		t.Error("on the way to another method the secret was lost")
	}
	var again cli.ClientView
	sh.JSON(&again, "clients", "update", "mac", "--auth-method=client_secret_jwt")
	if got := revealed(servertest.SystemSecret); got != again.Secret || got == made.Secret {
		t.Errorf("kept %q, printed %q", got, again.Secret)
	}

	// An old system secret is no longer needed after reseal.
	const other = "another system secret that is long enough"
	sh.Settings = append(sh.Settings, "--set=system_secrets="+other+","+servertest.SystemSecret)
	servertest.Contains(t, sh.Must("keys", "reseal"), "1 client secrets encrypted")
	servertest.Contains(t, sh.Must("keys", "reseal"), "0 keys and 0 client secrets encrypted")
	if got := revealed(other); got != again.Secret {
		t.Errorf("under the new system secret alone it is %q, want %q", got, again.Secret)
	}
}
