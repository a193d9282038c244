package detail

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

const pay = `{"type":"payment_initiation","instructedAmount":{"currency":"EUR","amount":"123.50"},"creditorName":"Merchant A"}`

func TestDetailsAreReadCanonically(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ raw, want string }{
		{"", ""},
		{"[]", ""},
		{` [ {"type":"a", "z":1.50, "b":[ true, "<é>" ], "c":{"y":-0,"x":"\u0061"} } ]`, `[{"b":[true,"<é>"],"c":{"x":"a","y":0},"type":"a","z":1.5}]`},
		{`[{"type":"a"},{"type":"b"}]`, `[{"type":"a"},{"type":"b"}]`},
	} {
		list, err := Parse(test.raw)
		if err != nil || list.Text() != test.want {
			t.Errorf("Parse(%s) = %s, %v, want %s", test.raw, list.Text(), err, test.want)
		}
		var again List
		if encoded, err := json.Marshal(list); err != nil || json.Unmarshal(encoded, &again) != nil || !again.Covers(list) || !list.Covers(again) {
			t.Errorf("%s is not the same after JSON: %s", test.raw, encoded)
		}
	}
}

func elements(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(`{"type":"account","iban":["DE%02d"]}`, i)
	}
	return "[" + strings.Join(all, ",") + "]"
}

func TestDetailsAreRefused(t *testing.T) {
	t.Parallel()
	types := []string{"payment_initiation", "account"}
	with := func(members string) string { return "[" + strings.TrimSuffix(pay, "}") + "," + members + "}]" }
	for name, tc := range map[string]struct{ raw, reason string }{
		"not JSON":                    {`[{"type":`, "JSON array"},
		"an object":                   {pay, "JSON array"},
		"a text":                      {`"payment_initiation"`, "JSON array"},
		"null":                        {`null`, "null"},
		"more after the array":        {"[" + pay + "] []", "JSON array"},
		"invalid UTF-8":               {"[{\"type\":\"account\",\"iban\":[\"\xff\"]}]", "JSON array"},
		"an element that is a text":   {`["account"]`, "text member type"},
		"an element without a type":   {`[{"iban":["a"]}]`, "text member type"},
		"a type that is a number":     {`[{"type":1}]`, "text member type"},
		"an empty type":               {`[{"type":""}]`, "text member type"},
		"21 elements":                 {elements(21), "20 elements"},
		"17 KiB":                      {`[{"type":"account","iban":["` + strings.Repeat("a", 17<<10) + `"]}]`, "16 KiB"},
		"deep nesting":                {`[{"type":"account","iban":` + strings.Repeat("[", 7) + `"a"` + strings.Repeat("]", 7) + `}]`, "deeply"},
		"very deep nesting":           {strings.Repeat("[", 16000), "deeply"},
		"a member twice":              {`[{"type":"account","iban":["a"],"iban":["b"]}]`, "member twice"},
		"a type twice":                {`[{"type":"account","type":"payment_initiation"}]`, "member twice"},
		"an inner member twice":       {with(`"x":{"a":1,"a":2}`), "member twice"},
		"a huge exponent":             {`[{"type":"account","iban":["a"],"days":1e999999999}]`, "decimal"},
		"a long number":               {`[{"type":"account","iban":["a"],"days":` + strings.Repeat("9", 33) + `}]`, "decimal"},
		"a null":                      {`[{"type":"account","iban":null}]`, "null"},
		"the same element twice":      {`[{"type":"account","iban":["a"],"days":1},{"days":1.0,"type":"account","iban":["a"]}]`, "twice"},
		"an unknown type":             {`[{"type":"other"}]`, "does not know"},
		"an unknown member":           {`[{"type":"account","iban":["a"],"owner":"x"}]`, "schema"},
		"a member without words":      {with(`"purpose":"x"`), "does not have"},
		"an inner one without words":  {with(`"actions":["initiate"],"remittanceInformation":"x","debtor":{"name":"x"}`), "does not have"},
		"a path as a name":            {with(`"instructedAmount.amount":"1"`), "does not have"},
		"an unknown value":            {with(`"actions":["delete"]`), "schema of its type at /actions/0"},
		"a missing member":            {`[{"type":"payment_initiation","creditorName":"x"}]`, "schema"},
		"a member missing in words":   {`[{"type":"account","days":1}]`, "lacks a member"},
		"an empty list":               {`[{"type":"account","iban":[]}]`, "empty list"},
		"an empty text":               {`[{"type":"account","iban":[""]}]`, "empty"},
		"a space at the end":          {`[{"type":"account","iban":["a "]}]`, "invisible"},
		"a line break":                {`[{"type":"account","iban":["a\nb"]}]`, "invisible"},
		"a direction override":        {`[{"type":"account","iban":["a\u202eb"]}]`, "invisible"},
		"a character without a glyph": {`[{"type":"account","iban":["\u3164"]}]`, "invisible"},
		"a NUL":                       {`[{"type":"account","iban":["a\u0000"]}]`, "invisible"},
		"stacked marks":               {`[{"type":"account","iban":["a\u0301\u0301\u0301"]}]`, "invisible"},
		"201 characters":              {`[{"type":"account","iban":["` + strings.Repeat("a", 201) + `"]}]`, "too long"},
	} {
		_, err := set().Read(tc.raw, types)
		fault, ok := errors.AsType[*InvalidError](err)
		if !ok || !strings.Contains(fault.Reason, tc.reason) || strings.ContainsAny(fault.Reason, "\"\\") {
			t.Errorf("%s: %v, want one with %q", name, err, tc.reason)
		}
	}
	if _, err := set().Read("["+pay+"]", types[1:]); err == nil || !strings.Contains(err.Error(), "may not request") {
		t.Errorf("a type that the client may not request: %v", err)
	}
	for name, raw := range map[string]string{
		"20 elements": elements(20), "a payment": "[" + pay + "]", "words for values": with(`"actions":["initiate","status"],"recurring":true`),
		"200 characters": `[{"type":"account","iban":["` + strings.Repeat("é", 200) + `"]}]`,
	} {
		if list, err := set().Read(raw, types); err != nil || len(list) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDetailsInWords(t *testing.T) {
	t.Parallel()
	show := func(w Words) string {
		var text strings.Builder
		text.WriteString(w.Title + ": ")
		for _, p := range w.Parts {
			if p.Value {
				text.WriteString("<" + p.Text + ">")
			} else {
				text.WriteString(p.Text)
			}
		}
		return text.String()
	}
	for raw, want := range map[string]struct{ language, words string }{
		pay: {"en", "Payment: Pay <123.50> <EUR> to <Merchant A>."},
		strings.TrimSuffix(pay, "}") + `,"actions":["initiate","cancel"],"recurring":false,"remittanceInformation":"{creditorName}"}`: {
			"de-AT", "Zahlung: <123.50> <EUR> an <Merchant A> zahlen, für <{creditorName}> (einmal). Die Anwendung darf die Zahlung auslösen, sie abbrechen.",
		},
		`{"type":"account","iban":["DE1","<b>"],"days":90}`: {"ja", "Account data: See the accounts <DE1>, <<b>> for <90> days"},
		`{"type":"account","iban":["initiate"]}`:            {"en", "Account data: See the accounts <initiate>"},
	} {
		if got := show(InLanguage(set().Words(mustParse(t, "["+raw+"]")[0]), want.language)); got != want.words {
			t.Errorf("%s is\n%s, want\n%s", raw, got, want.words)
		}
	}
	for _, raw := range []string{`{"type":"other"}`, `{"type":"account","days":3}`} {
		if words := set().Words(mustParse(t, "["+raw+"]")[0]); words != nil {
			t.Errorf("%s has the words %v", raw, words)
		}
	}
}

func TestNarrowing(t *testing.T) {
	t.Parallel()
	detail := func(amount string, actions ...string) string {
		list, _ := json.Marshal(append([]string{}, actions...))
		return `{"type":"payment_initiation","instructedAmount":{"currency":"EUR","amount":"` + amount + `"},"creditorName":"A","actions":` + string(list) + `}`
	}
	lists := func(all ...string) string { return "[" + strings.Join(all, ",") + "]" }
	whole := detail("100", "initiate", "status")
	for name, tc := range map[string]struct {
		granted, requested string
		want               bool
	}{
		"all":                          {lists(whole), lists(whole), true},
		"nothing":                      {lists(whole), "[]", true},
		"less":                         {lists(whole), lists(detail("99.99", "status")), true},
		"more":                         {lists(whole), lists(detail("100.01", "status")), false},
		"less than nothing":            {lists(whole), lists(detail("-1", "status")), false},
		"no number":                    {lists(whole), lists(detail("1/2", "status")), false},
		"an exponent":                  {lists(whole), lists(detail("1e1", "status")), false},
		"another action":               {lists(whole), lists(detail("100", "cancel")), false},
		"no action":                    {lists(whole), lists(detail("100")), false},
		"another currency":             {lists(whole), lists(strings.Replace(whole, "EUR", "USD", 1)), false},
		"a member more":                {lists(whole), lists(strings.Replace(whole, "{", `{"recurring":true,`, 1)), false},
		"a member less":                {lists(whole), lists(strings.Replace(whole, `"creditorName":"A",`, "", 1)), false},
		"twice within one":             {lists(whole), lists(detail("60", "status"), detail("50", "status")), false},
		"each within one, crosswise":   {lists(whole, detail("50", "status")), lists(detail("50", "status"), detail("100", "initiate")), true},
		"one of two":                   {lists(whole, `{"type":"account","iban":["a"]}`), lists(`{"type":"account","iban":["a"]}`), true},
		"equality without comparisons": {lists(`{"type":"account","iban":["a","b"]}`), lists(`{"type":"account","iban":["a"]}`), false},
		"a type that is not declared":  {lists(`{"type":"other"}`), lists(`{"type":"other"}`), false},
		"more than was granted":        {"[]", lists(whole), false},
	} {
		granted, requested := mustParse(t, tc.granted), mustParse(t, tc.requested)
		if got := set().Narrow(granted, requested); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
		limited := set().Downscope(granted, Limits{Listed: true, List: requested})
		if tc.want != limited.Covers(requested) {
			t.Errorf("%s: downscoped to %s", name, limited.Text())
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	list := mustParse(t, `[`+pay+`,{"type":"account","iban":["a"]},{"type":"other"}]`)
	for name, tc := range map[string]struct {
		limits Limits
		want   int
	}{
		"no limits are no details": {Limits{}, 0},
		"types":                    {Limits{Types: []string{"account", "other"}}, 1},
		"an empty list":            {Limits{Listed: true, Types: []string{"account"}}, 0},
		"a list":                   {Limits{Listed: true, List: list}, 2},
	} {
		if got := set().Downscope(list, tc.limits); len(got) != tc.want {
			t.Errorf("%s: %s", name, got.Text())
		}
	}
	if got := set().For(list, func(string) bool { return false }).Text(); got != `[{"iban":["a"],"type":"account"}]` {
		t.Errorf("for another resource: %s", got)
	}
	if got := set().For(list, func(resource string) bool { return slices.Contains(set().Resources(list), resource) }); len(got) != 2 {
		t.Errorf("for their resources: %s", got.Text())
	}
	if joined := mustParse(t, elements(20)).Join(list); len(joined) != 20 || !joined.Covers(list) {
		t.Errorf("joined are %s", joined.Text())
	}
}

func TestTypesAreChecked(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*Type)
		fault  string
	}{
		"as it is":                    {func(*Type) {}, ""},
		"no name":                     {func(p *Type) { p.Name = "" }, "name"},
		"a name with a space":         {func(p *Type) { p.Name = "a b" }, "name"},
		"a relative resource":         {func(p *Type) { p.Resource = "/a" }, "resource"},
		"a resource with a fragment":  {func(p *Type) { p.Resource = "https://a.example/#a" }, "resource"},
		"no schema":                   {func(p *Type) { p.Schema = nil }, "schema"},
		"a schema that is a list":     {func(p *Type) { p.Schema = json.RawMessage(`[]`) }, "schema"},
		"a schema that is invalid":    {func(p *Type) { p.Schema = json.RawMessage(`{"type":"objekt"}`) }, "schema is not a valid JSON schema at /type"},
		"a schema of another host":    {func(p *Type) { p.Schema = json.RawMessage(`{"$ref":"https://evil.example/a.json"}`) }, "other documents"},
		"a schema of a file":          {func(p *Type) { p.Schema = json.RawMessage(`{"$ref":"file:///etc/passwd"}`) }, "other documents"},
		"a long schema":               {func(p *Type) { p.Schema = json.RawMessage(`{"a":"` + strings.Repeat("a", 17<<10) + `"}`) }, "16 KiB"},
		"no sentence":                 {func(p *Type) { p.Sentences = nil }, "sentences"},
		"a language that is none":     {func(p *Type) { p.Sentences["english"] = p.Sentences["en"] }, "language tags"},
		"a title that is empty":       {func(p *Type) { s := p.Sentences["de"]; s.Title = " "; p.Sentences["de"] = s }, "in de must have a title"},
		"a text with a line break":    {func(p *Type) { p.Sentences["de"] = Sentence{Title: "a", Text: "a\n"} }, "text"},
		"other members in a language": {func(p *Type) { p.Sentences["de"] = Sentence{Title: "a", Text: "{creditorName}"} }, "same members"},
		"an open brace":               {func(p *Type) { p.Sentences = map[string]Sentence{"en": {Title: "a", Text: "a {b"}} }, "braces"},
		"an empty brace":              {func(p *Type) { p.Sentences = map[string]Sentence{"en": {Title: "a", Text: "a {}"}} }, "braces"},
		"a brace that ends":           {func(p *Type) { p.Sentences = map[string]Sentence{"en": {Title: "a", Text: "a }"}} }, "counterpart"},
		"an open bracket":             {func(p *Type) { p.Sentences = map[string]Sentence{"en": {Title: "a", Text: "a [b"}} }, "counterpart"},
		"brackets in brackets":        {func(p *Type) { p.Sentences = map[string]Sentence{"en": {Title: "a", Text: "[a [b]]"}} }, "counterpart"},
		"values of another member": {func(p *Type) {
			p.Sentences = map[string]Sentence{"en": {Title: "a", Text: "{a}", Values: map[string]map[string]string{"b": {"c": "d"}}}}
		}, "values"},
		"a comparison that is none":      {func(p *Type) { p.Narrowing["creditorName"] = "prefix" }, "subset or at_most"},
		"a comparison of another member": {func(p *Type) { p.Narrowing["other"] = Subset }, "narrowing"},
	} {
		p := payment()
		tc.change(p)
		err := p.Check()
		if (err == nil) != (tc.fault == "") || err != nil && !strings.Contains(err.Error(), tc.fault) {
			t.Errorf("%s: %v, want %q", name, err, tc.fault)
		}
	}
}
