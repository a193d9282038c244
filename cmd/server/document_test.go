package main

import (
	"bytes"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ostiary/ostiary/internal/admin"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// document is the published description of the administrators' API, to which every
// answer that a test gets is held.
type document struct {
	compiler *jsonschema.Compiler
	paths    object
}

func described(tb testing.TB, h *admin.Handler) *document {
	tb.Helper()
	text, err := h.Document()
	if err != nil {
		tb.Fatal(err)
	}
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		tb.Fatal(err)
	}
	d := &document{compiler: jsonschema.NewCompiler(), paths: whole.(object)["paths"].(object)}
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource("openapi.json", whole); err != nil {
		tb.Fatal(err)
	}
	return d
}

// check fails if an answer is not what the document says of its operation.
func (d *document) check(tb testing.TB, method, target string, p reply) {
	tb.Helper()
	at, ok := d.find(method, target)
	if !ok || method == http.MethodHead {
		return // there is no such operation, which the answer says too
	}
	answers := d.at(at + "/responses").(object)
	status := strconv.Itoa(p.status)
	var schema string
	switch answer := answers[status].(type) {
	case object:
		if answer["content"] == nil {
			if p.body != "" {
				tb.Errorf("%s %s: %d comes with a body that the document says nothing of: %s", method, target, p.status, p.body)
			}
			return
		}
		schema = "openapi.json#" + at + "/responses/" + status + "/content/application~1json/schema"
	default:
		if p.status < http.StatusBadRequest {
			tb.Errorf("%s %s: the document knows no answer %d", method, target, p.status)
			return
		}
		schema = "openapi.json#/components/responses/failure/content/application~1json/schema"
	}
	compiled, err := d.compiler.Compile(schema)
	if err != nil {
		tb.Fatal(err)
	}
	body, err := jsonschema.UnmarshalJSON(strings.NewReader(p.body))
	if err != nil {
		tb.Errorf("%s %s: %d is not JSON: %s", method, target, p.status, p.body)
		return
	}
	if err := compiled.Validate(body); err != nil {
		tb.Errorf("%s %s: %d is not what the document says: %v\n%s", method, target, p.status, err, p.body)
	}
}

// find returns where the document speaks of the operation that a request is for.
func (d *document) find(method, target string) (pointer string, ok bool) {
	u, err := url.Parse(target)
	if err != nil {
		return "", false
	}
	parts := strings.Split(strings.TrimSuffix(strings.TrimPrefix(u.EscapedPath(), "/admin"), "/"), "/")
	for path := range d.paths {
		pattern := strings.Split(path, "/")
		fits := slices.EqualFunc(pattern, parts, func(a, b string) bool { return a == b || strings.HasPrefix(a, "{") && b != "" })
		if !fits || d.paths[path].(object)[strings.ToLower(method)] == nil {
			continue
		}
		return "/paths/" + strings.NewReplacer("/", "~1", "{", "%7B", "}", "%7D").Replace(path) + "/" + strings.ToLower(method), true
	}
	return "", false
}

func (d *document) at(pointer string) any {
	var here any = object{"paths": d.paths}
	for part := range strings.SplitSeq(pointer[1:], "/") {
		here = here.(object)[strings.NewReplacer("~1", "/", "%7B", "{", "%7D", "}").Replace(part)]
	}
	return here
}

// Whatever is mounted is described, and the other way round.
func TestTheDocumentDescribesWhatIsMounted(t *testing.T) {
	t.Parallel()

	s := startApart(t, storetest.New(t), nil)
	mounted := map[string]bool{}
	err := chi.Walk(s.admin().(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		mounted[strings.TrimSuffix(strings.TrimPrefix(route, "/admin"), "/")] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	delete(mounted, "/openapi.json")
	want := slices.Sorted(maps.Keys(s.document.paths))
	if got := slices.Sorted(maps.Keys(mounted)); !slices.Equal(got, want) {
		t.Errorf("mounted are %v\ndescribed are %v", got, want)
	}
	ids := map[string]bool{}
	for _, o := range s.app.operator.Operations() {
		if ids[o.ID] || o.Summary == "" || o.Do != nil && o.Scope == "" || len(o.Answers) == 0 {
			t.Errorf("%s is there twice, or says too little", o.ID)
		}
		// The answers of apps are steps of a sign-in, but for who has signed in; two more
		// operations change nothing.
		step := strings.HasPrefix(o.Scope, "requests:") && !strings.HasSuffix(o.ID, "OAuth2LoginRequest")
		looks := o.Method == http.MethodGet || step ||
			o.ID == "introspectOAuth2Token" || o.ID == "flushInactiveOAuth2Tokens"
		if (o.Action == "") != looks {
			t.Errorf("%s must be in the audit log if it changes something, and only then: %q", o.ID, o.Action)
		}
		ids[o.ID] = true
	}
}

func TestTheDocumentIsPublished(t *testing.T) {
	t.Parallel()

	s := startApart(t, storetest.New(t), map[string]string{"admin_auth": "token"})
	for _, path := range []string{"/openapi.json", "/admin/openapi.json"} {
		p := s.ask(http.MethodGet, path, "")
		if p.status != http.StatusOK || p.json(t)["openapi"] != "3.1.0" {
			t.Errorf("%s: %d %s", path, p.status, p.body)
		}
	}
}

// The paths have all their names, and what is not there is refused in one shape.
func TestPathsAndMethodsOfTheAPI(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startApart(t, db, nil)
		for path, want := range map[string]int{
			"/audit": 200, "/audit/": 200, "/admin/audit": 200, "/admin/audit/": 200, "/admin/admin/audit": 404, "/nothing": 404,
			"/admin/health/alive": 200, "/health/ready": 200, "/admin/version": 200,
		} {
			if p := s.ask(http.MethodGet, path, ""); p.status != want {
				t.Errorf("GET %s: %d, want %d", path, p.status, want)
			}
		}
		if p := s.ask(http.MethodHead, "/admin/audit", ""); p.status != http.StatusOK || p.body != "" {
			t.Errorf("HEAD: %d %q", p.status, p.body)
		}
		for _, method := range []string{http.MethodPost, http.MethodPatch, "PROPFIND"} {
			p := s.ask(method, "/admin/audit", "{}")
			wantError(t, p, http.StatusMethodNotAllowed, "invalid_request")
			if p.json(t)["status_code"] != float64(http.StatusMethodNotAllowed) || p.header.Get("Allow") == "" {
				t.Errorf("%s: %s, Allow %q", method, p.body, p.header.Get("Allow"))
			}
		}
	})
}
