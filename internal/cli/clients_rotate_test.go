package cli_test

import (
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

func TestRotateClientSecret(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	var made, rotated cli.ClientView
	sh.JSON(&made, "clients", "create", "--id=shop", "--redirect-uri=https://shop.example/cb")
	stored := func() *client.Client {
		t.Helper()
		c, err := sh.Store().Clients.Client(t.Context(), "shop")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	tokened := func() {
		t.Helper()
		c := stored()
		c.RegistrationToken = client.HashToken("token")
		if err := sh.Store().Clients.UpdateClient(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		flags []string
		until time.Duration // of the secret before
	}{
		{nil, 24 * time.Hour},
		{[]string{"--old-secret-lifetime=30m"}, 30 * time.Minute},
		{[]string{"--old-secret-lifetime=0s"}, 0},
	} {
		tokened()
		before := stored()
		began := time.Now()
		sh.JSON(&rotated, append([]string{"clients", "rotate-secret", "shop"}, tc.flags...)...)
		c := stored()
		if rotated.Secret == "" || rotated.Secret == made.Secret || !verifies(t, sh, "shop", rotated.Secret) {
			t.Errorf("%v: the new secret is %q, and does not verify", tc.flags, rotated.Secret)
		}
		if len(c.RegistrationToken) > 0 {
			t.Errorf("%v: the registration access token goes on", tc.flags)
		}
		kept := len(c.RotatedSecrets) > len(before.RotatedSecrets) && c.RotatedSecrets[0].Secret == before.Secret
		if kept != (tc.until > 0) {
			t.Errorf("%v: the old secret is kept: %t", tc.flags, kept)
		}
		if kept && (c.RotatedSecrets[0].ExpiresAt.Before(began.Add(tc.until)) || c.RotatedSecrets[0].ExpiresAt.After(time.Now().Add(tc.until))) {
			t.Errorf("%v: the old secret is valid until %v, want %v from now", tc.flags, c.RotatedSecrets[0].ExpiresAt, tc.until)
		}
	}
	tokened()
	sh.Must("clients", "update", "shop", "--new-secret")
	if c := stored(); len(c.RegistrationToken) > 0 || len(c.RotatedSecrets) > 0 {
		t.Errorf("after --new-secret %+v has a token or secret of before", c)
	}
	tokened()
	sh.Must("clients", "update", "shop", "--auth-method=none")
	if c := stored(); len(c.RegistrationToken) > 0 || c.Secret != "" {
		t.Errorf("without a secret %+v has a token or secret of before", c)
	}
	servertest.Contains(t, sh.MustFail("clients", "rotate-secret", "shop"), "client secret")
	servertest.Contains(t, sh.MustFail("clients", "rotate-secret", "nobody"), "not found")
	for _, bad := range []string{"soon", "-1h", "366d"} {
		servertest.Contains(t, sh.MustFail("clients", "rotate-secret", "shop", "--old-secret-lifetime="+bad), "--old-secret-lifetime")
	}
	servertest.Contains(t, sh.Must("audit", "--action=client.secret.rotate"), "shop")
}
