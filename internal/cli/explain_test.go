package cli_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func TestExplainCommand(t *testing.T) {
	t.Parallel()
	sh := clitest.NewShell(t)
	record := &refusal.Record{
		ID: refusal.FirstID(time.Now()) + "x", At: time.Now(), RequestID: "q1", Method: "POST", Route: "/oauth2/token", Status: 400, Code: "invalid_grant",
		Rule: refusal.CodeExpired, Cause: "the code has expired", ClientID: "web", Attrs: []refusal.Attr{refusal.At("code_expired_at", time.Unix(0, 0))},
	}
	db := storetest.Open(t, sh.DatabaseURL)
	if err := db.Refusals.InsertRefusals(t.Context(), []*refusal.Record{record}); err != nil {
		t.Fatal(err)
	}
	db.Close()
	out := sh.Must("explain", "q1")
	for _, want := range []string{"code_expired", "the code has expired", "web", "POST /oauth2/token", "400 invalid_grant", "1970-01-01T00:00:00Z"} {
		if !strings.Contains(out, want) {
			t.Errorf("the explanation lacks %q:\n%s", want, out)
		}
	}
	var got cli.RefusalView
	sh.JSON(&got, "explain", "q1")
	if want := (map[string]string{"code_expired_at": "1970-01-01T00:00:00Z"}); got.Rule != "code_expired" || !maps.Equal(got.Attributes, want) {
		t.Errorf("as JSON: %+v", got)
	}
	for _, format := range [][]string{nil, {"--json"}} {
		message := sh.MustFail(append([]string{"explain", "q2"}, format...)...)
		if !strings.Contains(message, `no record of the request "q2"`) || strings.Count(message, "\n") != 1 {
			t.Errorf("an unknown request id: %q", message)
		}
	}
}
