package cli_test

import (
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/client"
)

// The exit code says whether a client meets the profile that was named, or the one that holds for it.
func TestClientsCheck(t *testing.T) {
	t.Parallel()
	sh := clitest.NewShell(t)
	sh.Must("clients", "create", "--id=shop", "--redirect-uri=https://shop.example/cb")
	if out := sh.Must("clients", "check", "shop"); !strings.Contains(out, "baseline") || !strings.Contains(out, "token_endpoint_auth_method") || !strings.Contains(out, "FAPI 2.0 5.3.2.1") {
		t.Errorf("check printed %s", out)
	}
	sh.Must("clients", "check", "shop", "--profile=baseline")
	for _, flag := range []string{"--profile=fapi2-security", "--set=security_profile=fapi2-security"} {
		if r := sh.Run("clients", "check", "shop", flag); r.Code != 1 || !strings.Contains(r.Out, "dpop_bound_access_tokens") || !strings.Contains(r.Err, "does not meet fapi2-security") {
			t.Errorf("with %s: %+v", flag, r)
		}
	}
	sh.MustFail("clients", "check", "nobody")
	sh.MustFail("clients", "update", "shop", "--security-profile=fapi2-security")

	var checks []client.ProfileCheck
	sh.JSON(&checks, "clients", "check", "shop")
	if len(checks) != 4 || checks[0].Profile != "baseline" || len(checks[0].Lacks) != 0 || len(checks[1].Lacks) != 3 {
		t.Errorf("checks: %+v", checks)
	}
	sh.Must("clients", "update", "shop", "--security-profile=baseline")
	sh.JSON(&checks, "clients", "check", "shop", "--profile=baseline")
	if len(checks) != 1 || !checks[0].Holds {
		t.Errorf("checks: %+v", checks)
	}
}
