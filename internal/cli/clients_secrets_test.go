package cli_test

import (
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

func TestClientSecretsOfCommands(t *testing.T) {
	t.Parallel()
	sh := clitest.NewShell(t)
	var made, added cli.ClientView
	sh.JSON(&made, "clients", "create", "--id=shop", "--name=Shop", "--redirect-uri=https://shop.example/cb")
	sh.JSON(&added, "clients", "add-secret", "shop")
	if !verifies(t, sh, "shop", added.Secret) {
		t.Error("the added secret does not verify")
	}
	var list []struct {
		ID        string    `json:"secret_id"`
		CreatedAt time.Time `json:"created_at"`
	}
	sh.JSON(&list, "clients", "secrets", "shop")
	if len(list) != 2 || list[0].CreatedAt.IsZero() || list[1].CreatedAt.IsZero() || list[0].ID == list[1].ID {
		t.Fatalf("the secrets are %+v, want two with their ages", list)
	}
	sh.Must("clients", "remove-secret", "shop", list[0].ID)
	if !verifies(t, sh, "shop", made.Secret) || verifies(t, sh, "shop", added.Secret) {
		t.Error("want the first secret to verify, and not the removed one")
	}
	servertest.Contains(t, sh.MustFail("clients", "remove-secret", "shop", list[1].ID), "only secret")
	servertest.Contains(t, sh.MustFail("clients", "remove-secret", "shop", "none"), "no such secret")
	servertest.Contains(t, sh.MustFail("clients", "secrets", "none"), `client "none" not found`)

	if err := sh.Store().Clients.NoteUses(t.Context(), []client.Use{{ClientID: "shop", At: time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)}}); err != nil {
		t.Fatal(err)
	}
	servertest.Contains(t, sh.Must("clients", "usage", "--search=SH"), "shop", "2026-11-01")
	var none []any
	if sh.JSON(&none, "clients", "usage", "--only=never-used"); len(none) != 0 {
		t.Errorf("never used: %v, want none", none)
	}
}
