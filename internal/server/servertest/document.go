package servertest

import (
	"bytes"
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ostiary/ostiary/internal/admin"
)

// Document is the OpenAPI document of the admin API.
type Document struct {
	compiler *jsonschema.Compiler
	Paths    Object
}

// AdminDocument returns the OpenAPI document that h publishes. The test stops if it is invalid.
func AdminDocument(tb testing.TB, h *admin.Handler) *Document {
	tb.Helper()
	text, err := h.Document()
	if err != nil {
		tb.Fatal(err)
	}
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		tb.Fatal(err)
	}
	d := &Document{compiler: jsonschema.NewCompiler(), Paths: whole.(Object)["paths"].(Object)}
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource("openapi.json", whole); err != nil {
		tb.Fatal(err)
	}
	return d
}

// Check fails the test if the response to method and target contradicts the document: its status
// is not listed, or its body does not match the schema. Operations that the document lacks, and HEAD
// requests, are not checked.
func (d *Document) Check(tb testing.TB, method, target string, p Response) {
	tb.Helper()
	at, ok := d.find(method, target)
	if !ok || method == http.MethodHead {
		return // no operation of the document
	}
	answers := d.at(at + "/responses").(Object)
	status := strconv.Itoa(p.Status)
	var schema string
	switch answer := answers[status].(type) {
	case Object:
		if answer["content"] == nil {
			if p.Body != "" {
				tb.Errorf("%s %s: %d has a body that the document does not describe: %s", method, target, p.Status, p.Body)
			}
			return
		}
		schema = "openapi.json#" + at + "/responses/" + status + "/content/application~1json/schema"
	default:
		if p.Status < http.StatusBadRequest {
			tb.Errorf("%s %s: the document has no response %d", method, target, p.Status)
			return
		}
		schema = "openapi.json#/components/responses/failure/content/application~1json/schema"
	}
	compiled, err := d.compiler.Compile(schema)
	if err != nil {
		tb.Fatal(err)
	}
	body, err := jsonschema.UnmarshalJSON(strings.NewReader(p.Body))
	if err != nil {
		tb.Errorf("%s %s: %d is not JSON: %s", method, target, p.Status, p.Body)
		return
	}
	if err := compiled.Validate(body); err != nil {
		tb.Errorf("%s %s: %d contradicts the document: %v\n%s", method, target, p.Status, err, p.Body)
	}
}

// find returns the JSON pointer of the operation that handles a request.
func (d *Document) find(method, target string) (pointer string, ok bool) {
	u, err := url.Parse(target)
	if err != nil {
		return "", false
	}
	parts := strings.Split(strings.TrimSuffix(strings.TrimPrefix(u.EscapedPath(), "/admin"), "/"), "/")
	// As for the router, a path with fewer variables takes precedence.
	byVariables := func(a, b string) int { return cmp.Compare(strings.Count(a, "{"), strings.Count(b, "{")) }
	for _, path := range slices.SortedFunc(maps.Keys(d.Paths), byVariables) {
		pattern := strings.Split(path, "/")
		matches := slices.EqualFunc(pattern, parts, func(a, b string) bool { return a == b || strings.HasPrefix(a, "{") && b != "" })
		if !matches || d.Paths[path].(Object)[strings.ToLower(method)] == nil {
			continue
		}
		return "/paths/" + strings.NewReplacer("/", "~1", "{", "%7B", "}", "%7D").Replace(path) + "/" + strings.ToLower(method), true
	}
	return "", false
}

func (d *Document) at(pointer string) any {
	var here any = Object{"paths": d.Paths}
	for part := range strings.SplitSeq(pointer[1:], "/") {
		here = here.(Object)[strings.NewReplacer("~1", "/", "%7B", "{", "%7D", "}").Replace(part)]
	}
	return here
}
