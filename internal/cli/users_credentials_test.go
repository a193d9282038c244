package cli_test

import (
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/keyring"
	"github.com/ostiary/ostiary/internal/secondfactor"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

func TestUsersCredentials(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	sh.Must("users", "create", "ada", "--generate")
	ada := accountOf(sh, "ada")
	secrets, err := keyring.New(strings.Repeat("secret", 8))
	if err != nil {
		t.Fatal(err)
	}
	factors := &secondfactor.Service{Store: sh.Store().SecondFactors, Secrets: secrets}
	if _, err := factors.GenerateRecoveryCodes(t.Context(), ada.Subject, ada.CreatedAt); err != nil {
		t.Fatal(err)
	}
	servertest.Contains(t, sh.Must("users", "credentials", "list", "ada"), "ID", "password", "recovery-codes", "10")
	servertest.Contains(t, sh.Must("users", "credentials", "remove", "--yes", "ada", "password"), "removed password of ada")
	servertest.Contains(t, sh.MustFail("users", "credentials", "remove", "--yes", "ada", "password"), "the user has no such credential")
	servertest.Contains(t, sh.MustFail("users", "credentials", "remove", "ada", "recovery-codes"), "--yes")
	var left []cli.CredentialView
	sh.JSON(&left, "users", "credentials", "list", ada.Subject)
	if len(left) != 1 || left[0].ID != "recovery-codes" || left[0].Left == nil || *left[0].Left != 10 {
		t.Errorf("credentials that are left: %+v, want 10 recovery codes", left)
	}
	if accountOf(sh, "ada").Password != nil {
		t.Error("ada still has a password")
	}
}
