package cli_test

import (
	"encoding/json"
	"testing"

	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

func TestDetailTypes(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	definition, err := json.Marshal(servertest.PaymentType().Definition)
	if err != nil {
		t.Fatal(err)
	}
	file := sh.WriteFile("payment.json", string(definition))
	servertest.Contains(t, sh.Must("detail-types", "create", "payment", file, "--json"), `"https://api.example"`, `"subset"`, "Zahlung")
	servertest.Contains(t, sh.MustFail("detail-types", "create", "payment", file), "exists already")
	servertest.Contains(t, sh.MustFail("detail-types", "create", "two words", file), "name must be")
	for content, fault := range map[string]string{
		`[]`: "cannot unmarshal", `{"schemas":{}}`: "unknown field", `{"schema":{},"sentences":{}}`: "sentences must hold",
		`{"schema":{"type":"objekt"},"sentences":{"en":{"title":"a","text":"b"}}}`: "not a valid JSON schema",
		`{"schema":{},"sentences":{"en":{"title":"a","text":"{b"}}}`:               "sentence in en must name members in braces",
	} {
		servertest.Contains(t, sh.MustFail("detail-types", "create", "other", sh.WriteFile("other.json", content)), fault)
	}
	servertest.Contains(t, sh.Must("detail-types", "list"), "payment", "https://api.example", "de en")
	servertest.Contains(t, sh.Must("detail-types", "get", "payment"), "Zahlung")
	servertest.Contains(t, sh.MustFail("detail-types", "get", "other"), "not found")
	plain := sh.WriteFile("plain.json", `{"schema":{},"sentences":{"en":{"title":"Pay","text":"Pay {amount}"}}}`)
	servertest.Contains(t, sh.Must("detail-types", "update", "payment", plain, "--json"), `"Pay {amount}"`)
	servertest.Contains(t, sh.MustFail("detail-types", "update", "other", plain), "not found")
	servertest.Contains(t, sh.MustFail("detail-types", "delete", "payment"), "--yes")
	servertest.Contains(t, sh.Must("detail-types", "delete", "payment", "--yes"), "deleted")
	servertest.Contains(t, sh.MustFail("detail-types", "delete", "payment", "--yes"), "not found")
	servertest.Contains(t, sh.Must("audit"), "detail-type.create", "detail-type.update", "detail-type.delete")
}
