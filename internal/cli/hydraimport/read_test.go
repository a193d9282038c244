package hydraimport

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
)

func TestReadsColumnsOfEveryVersion(t *testing.T) {
	t.Parallel()

	r := &row{columns: map[string]json.RawMessage{
		"v1": json.RawMessage(`"a|b||c"`), "v2": json.RawMessage(`["a","b","c"]`), "text": json.RawMessage(`"[\"a\",\"b\",\"c\"]"`),
		"null": json.RawMessage(`null`), "empty": json.RawMessage(`""`),
		"inner": json.RawMessage(`"{\"a\":1}"`), "outer": json.RawMessage(`{"a":1}`), "nothing": json.RawMessage(`"{}"`),
		"time": json.RawMessage(`"2026-07-01T12:00:00.5"`), "zoned": json.RawMessage(`"2026-07-01T14:00:00.5+02:00"`),
	}}
	for _, column := range []string{"v1", "v2", "text"} {
		if got := strings.Join(r.list(column), " "); got != "a b c" {
			t.Errorf("list in %s is %q", column, got)
		}
	}
	for _, column := range []string{"null", "empty", "absent"} {
		if r.list(column) != nil || r.document(column) != nil || r.text(column) != "" || !r.time(column).IsZero() {
			t.Errorf("there is something in %s", column)
		}
	}
	if string(r.document("inner")) != `{"a":1}` || string(r.document("outer")) != `{"a":1}` || r.document("nothing") != nil {
		t.Errorf("documents are %s, %s, %s", r.document("inner"), r.document("outer"), r.document("nothing"))
	}
	for _, column := range []string{"time", "zoned"} {
		if got := r.time(column); !got.Equal(noon.Add(500 * time.Millisecond)) {
			t.Errorf("time in %s is %s", column, got)
		}
	}
	if r.err != nil {
		t.Error(r.err)
	}
	for name, read := range map[string]func(*row){
		"a text": func(r *row) { r.text("x") }, "a flag": func(r *row) { r.flag("x") }, "a number": func(r *row) { r.number("x") },
		"a time": func(r *row) { r.time("x") }, "a list": func(r *row) { r.list("x") }, "an object": func(r *row) { object(r, "x") },
	} {
		r := &row{columns: map[string]json.RawMessage{"x": json.RawMessage(`[1.5]`)}}
		if read(r); r.err == nil || !strings.Contains(r.err.Error(), "column x") {
			t.Errorf("%s: %v, want an error that names the column", name, r.err)
		}
	}
}

func TestParseClients(t *testing.T) {
	t.Parallel()

	const one, two = `{"client_id":"a","jwks":{},"contacts":[],"created_at":"2026-07-01T12:00:00Z"}`, `{"client_id":"b","scope":"x"}`
	for name, text := range map[string]string{
		"a page of v2":    `{"items":[` + one + `,` + two + `],"is_last_page":true}`,
		"a list":          `[` + one + `,` + two + `]`,
		"one by one":      one + "\n" + two,
		"with a mark":     "\ufeff" + one + two,
		"several pages":   `{"items":[` + one + `]}{"items":[` + two + `]}`,
		"pages and lists": `[` + one + `]` + two,
	} {
		got, err := ParseClients([]byte(text))
		if err != nil || len(got) != 2 || got[0].ID != "a" || got[1].ID != "b" || len(got[0].Members) != 0 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for name, text := range map[string]string{
		"nothing": ``, "no JSON": `{`, "a text": `"a"`, "no id": `{"scope":"x"}`, "an id of another kind": `{"client_id":7}`,
		"one twice": one + one, "a list of texts": `["a"]`, "a page of texts": `{"items":["a"]}`, "null": `null`, "more behind": one + `}`,
	} {
		if got, err := ParseClients([]byte(text)); err == nil {
			t.Errorf("%s: is taken as %+v", name, got)
		}
	}
}

// FuzzClients checks that every file results in an error or in valid clients, and that the
// report is printable.
func FuzzClients(f *testing.F) {
	for _, seed := range []string{
		`{"items":[{"client_id":"a","grant_types":["authorization_code"],"response_types":["code id_token"],"redirect_uris":["https://a.example/"]}]}`,
		`[{"client_id":"a","grant_types":["implicit"],"jwks":{"keys":[]},"metadata":{"a":1},"contacts":null}]`,
		`{"client_id":"a","redirect_uris":["http://127.0.0.1","a.b:/c","javascript:x"],"token_endpoint_auth_method":"none"}`,
		`{"client_id":"a","client_secret":"sesame","scope":"\u0000 \"","authorization_code_grant_access_token_lifespan":"1h"}`,
		`{"client_id":"a","created_at":"2999-01-01T00:00:00Z","post_logout_redirect_uris":["https://a.example"],"subject_type":"pairwise"}`,
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, text []byte, legacy bool) {
		all, err := ParseClients(text)
		if err != nil {
			return
		}
		p := client.Policy{LegacyResponseTypes: legacy}
		for _, one := range all {
			got := Adapt(one, p, noon)
			if (got.Client == nil) == (got.Refused == "") {
				t.Fatalf("%+v is both refused and not", one)
			}
			for _, line := range append(got.Notes, got.Refused) {
				if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
					t.Errorf("a report says %q", line)
				}
			}
			if got.Client == nil {
				continue
			}
			m := got.Client.Metadata
			if faults := m.Validate(p); len(faults) > 0 {
				t.Errorf("%s comes over with %v", text, faults)
			}
			if got.Client.CreatedAt.After(noon) || client.CheckID(got.Client.ID) != nil {
				t.Errorf("%s comes over as %+v", text, got.Client)
			}
		}
	})
}

func TestSystemSecretsAreNotPrinted(t *testing.T) {
	t.Parallel()

	s, err := NewSecrets("a secret", "another")
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, s); strings.Contains(got, "secret ") || got != "[system secrets]" {
			t.Errorf("%s prints %s", verb, got)
		}
	}
	for _, text := range []string{"", "AAAA", "no base64 at all", strings.Repeat("A", 100)} {
		if plain, ok := s.open(text); ok {
			t.Errorf("%q opens as %q", text, plain)
		}
	}
}
