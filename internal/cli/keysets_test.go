package cli_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

func TestKeySetLifecycle(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	type set struct {
		Keys []map[string]any `json:"keys"`
	}
	read := func(text string) (s set) {
		t.Helper()
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		return s
	}
	made := read(sh.Must("keysets", "create", "mine", "--alg=ES256", "--json"))
	if len(made.Keys) != 1 || made.Keys[0]["d"] != nil || made.Keys[0]["alg"] != "ES256" {
		t.Fatalf("keysets create made %v, want one ES256 key without its private half", made)
	}
	servertest.Contains(t, sh.Must("keysets", "create", "mine", "--alg=EdDSA", "--use=enc", "--kid=second"), "second", "OKP", "enc", "yes")
	servertest.Contains(t, sh.MustFail("keysets", "create", "mine", "--alg=ES256", "--kid=second"), "kid")
	servertest.Contains(t, sh.MustFail("keysets", "create", "mine", "--alg=HS256"), "alg must be")
	servertest.Contains(t, sh.MustFail("keysets", "create", "hydra.openid.id-token"), "signing keys")
	servertest.Contains(t, sh.MustFail("keysets", "create", "two words"), "name of a key set")

	whole := sh.Must("keysets", "get", "mine", "--private", "--json")
	for _, key := range read(whole).Keys {
		if key["d"] == nil {
			t.Errorf("keysets get --private shows no private half of %v", key["kid"])
		}
	}
	servertest.Lacks(t, sh.Must("keysets", "get", "mine", "--json"), `"d"`)
	servertest.Lacks(t, sh.Must("keysets", "get", "mine", "--private"), servertest.Text(read(whole).Keys[0]["d"]))

	sh.Input = whole
	servertest.Contains(t, sh.Must("keysets", "import", "copy", "-"), "imported 2 keys into copy")
	if again := sh.Must("keysets", "get", "copy", "--private", "--json"); !sameKeys(read(again).Keys, read(whole).Keys) {
		t.Errorf("a copy of a set is\n%s, want\n%s", again, whole)
	}
	one, err := json.Marshal(read(whole).Keys[0])
	if err != nil {
		t.Fatal(err)
	}
	sh.Input = string(one)
	servertest.Contains(t, sh.Must("keysets", "import", "third", "-"), "imported the key "+servertest.Text(read(whole).Keys[0]["kid"])+" into third")
	sh.Input = "{}"
	sh.MustFail("keysets", "import", "third", "-")
	if listed := strings.Count(sh.Must("keysets", "list"), "\n"); listed != 6 {
		t.Errorf("keysets list has %d lines, want a head and five keys", listed)
	}

	servertest.Contains(t, sh.MustFail("keysets", "delete", "copy"), "--yes")
	servertest.Contains(t, sh.Must("keysets", "delete", "copy", "second", "--yes"), "deleted the key second of copy")
	servertest.Contains(t, sh.Must("keysets", "delete", "copy", "--yes"), "deleted the key set copy")
	servertest.Contains(t, sh.MustFail("keysets", "delete", "copy", "--yes"), `key set "copy" not found`)
	servertest.Contains(t, sh.MustFail("keysets", "delete", "mine", "third", "--yes"), `key "third" not found in key set "mine"`)
	servertest.Contains(t, sh.MustFail("keysets", "get", "hydra.openid.id-token"), "signing keys")
	servertest.Contains(t, sh.MustFail("keysets", "get", "copy"), "not found")
}

func sameKeys(a, b []map[string]any) bool {
	kids := func(keys []map[string]any) (all []string) {
		for _, key := range keys {
			all = append(all, servertest.Text(key["kid"])+servertest.Text(key["d"]))
		}
		return slices.Sorted(slices.Values(all))
	}
	return slices.Equal(kids(a), kids(b))
}
