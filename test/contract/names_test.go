package contract

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

// TestPages holds the ids and form field names of each template and of the scripts.
func TestPages(t *testing.T) {
	t.Parallel()

	attribute := regexp.MustCompile(`\s(id|data-[a-z-]+)="([^"]*)"`)
	field := regexp.MustCompile(`<(?:input|button|select|textarea)\s[^>]*\bname="([^"]*)"`)
	element := regexp.MustCompile(`getElementById\(["']([^"']+)["']\)`)
	action := regexp.MustCompile(`\{\{[^}]*\}\}`)
	var all []string
	if err := eachFile(func(path string) error {
		extension := filepath.Ext(path)
		if extension != ".html" && extension != ".js" || strings.Contains(path, "/demo/") {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range attribute.FindAllStringSubmatch(string(content), -1) {
			all = append(all, filepath.Base(path)+" "+m[1]+" "+action.ReplaceAllString(m[2], "{}"))
		}
		for _, m := range field.FindAllStringSubmatch(string(content), -1) {
			all = append(all, filepath.Base(path)+" field "+action.ReplaceAllString(m[1], "{}"))
		}
		for _, m := range element.FindAllStringSubmatch(string(content), -1) {
			all = append(all, filepath.Base(path)+" reads id "+m[1])
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	golden(t, "pages.txt", lines(t, 60, all))
}

// TestAuditActions holds the names of audited changes.
func TestAuditActions(t *testing.T) {
	t.Parallel()

	action := regexp.MustCompile(`^(apikey|attribute|audit|client|consent|console|device|grant|group|hydra|issuer|keys?|keysets?|login|logout|mail|notice|resource|scope|session|token|user)(\.[a-z][a-z-]*)+$`)
	golden(t, "audit.txt", lines(t, 50, slices.DeleteFunc(literals(t, action.MatchString), isMessageKey(t))))
}

// isMessageKey returns a predicate for the keys of the sentences of pages, which look like
// actions.
func isMessageKey(t *testing.T) func(string) bool {
	t.Helper()
	catalogue, err := messages.Load(messages.English)
	if err != nil {
		t.Fatal(err)
	}
	keys := catalogue.Keys()
	return func(s string) bool { return slices.Contains(keys, s) }
}

// TestRefusalRules holds the rules of docs/refusals.md, which are those of the source.
func TestRefusalRules(t *testing.T) {
	t.Parallel()

	var declared []string
	for _, f := range source(t) {
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Rule" {
				if rule, ok := text(spec.Values[0]); ok {
					declared = append(declared, rule)
				}
			}
			return true
		})
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "refusals.md"))
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| .+ \\|$").FindAllStringSubmatch(string(page), -1) {
		documented = append(documented, row[1])
	}
	if a, b := lines(t, 50, declared), lines(t, 50, documented); a != b {
		t.Errorf("the source has the rules\n%s\nand docs/refusals.md has\n%s", a, b)
	}
	golden(t, "refusals.txt", lines(t, 50, declared))
}

// TestErrorCodes holds every error code that the source names. Codes that only fosite
// names are held where they are seen, in the answers of the endpoints.
func TestErrorCodes(t *testing.T) {
	t.Parallel()

	code := regexp.MustCompile(`^(invalid|unsupported|unapproved|unauthorized|insufficient)_[a-z_]+$|` +
		`^[a-z]+_(required|denied|supported|unavailable|pending|forbidden|unauthorized|error)$|` +
		`^(account_selection_required|expired_token|expired_request|not_found|slow_down|too_many_requests|conflict|gone)$`)
	golden(t, "codes.txt", lines(t, 20, literals(t, code.MatchString)))
}

// TestLogKeys holds the keys of log attributes.
func TestLogKeys(t *testing.T) {
	t.Parallel()

	constructors := []string{"Any", "Bool", "Duration", "Float64", "Group", "Int", "Int64", "String", "Time", "Uint64"}
	var keys []string
	calls(t, func(name string, call *ast.CallExpr) {
		selector, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || !slices.Contains(constructors, name) || len(call.Args) < 2 {
			return
		}
		if pkg, ok := selector.X.(*ast.Ident); ok && pkg.Name == "slog" {
			if key, ok := text(call.Args[0]); ok {
				keys = append(keys, key)
			}
		}
	})
	golden(t, "logkeys.txt", lines(t, 40, keys))
}
