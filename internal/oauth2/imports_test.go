package oauth2_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const internalPath = "github.com/ostiary/ostiary/internal/"

// endpoints are the packages of endpoints, which do not import each other.
func endpoints() []string {
	return []string{"authorize", "token", "introspection", "revocation", "deviceauth", "par", "backchannelauth"}
}

// sourceFiles returns the files of the packages under this directory, without tests, by the
// name of their package directory; "." is this package.
func sourceFiles(t *testing.T) map[string][]*ast.File {
	t.Helper()
	files := map[string][]*ast.File{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		files[filepath.ToSlash(filepath.Dir(path))] = append(files[filepath.ToSlash(filepath.Dir(path))], file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 10 {
		t.Fatalf("found %d packages, want those of the endpoints", len(files))
	}
	return files
}

func TestPackagesImportWhatTheyMay(t *testing.T) {
	t.Parallel()
	for directory, files := range sourceFiles(t) {
		for _, file := range files {
			for _, spec := range file.Imports {
				path, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				sibling, isOAuth2 := strings.CutPrefix(path, internalPath+"oauth2/")
				switch {
				case directory != "engine" && (strings.HasPrefix(path, "github.com/ory/fosite") || path == "github.com/go-jose/go-jose/v3"):
					t.Errorf("%s imports %s, which only engine may", directory, path)
				case directory == "." && isOAuth2:
					t.Errorf("the shared package imports %s", path)
				case isOAuth2 && slices.Contains(endpoints(), sibling):
					t.Errorf("%s imports the endpoint %s", directory, sibling)
				case strings.HasPrefix(path, internalPath+"store"):
					t.Errorf("%s imports the store", directory)
				}
			}
		}
	}
}

// No decision travels in a context value, except in engine, since fosite passes its storage
// and strategies nothing else.
func TestOnlyTheEngineUsesContextValues(t *testing.T) {
	t.Parallel()
	for directory, files := range sourceFiles(t) {
		if directory == "engine" {
			continue
		}
		for _, file := range files {
			ast.Inspect(file, func(n ast.Node) bool {
				if call, ok := n.(*ast.SelectorExpr); ok && (call.Sel.Name == "WithValue" || isContextValue(call)) {
					t.Errorf("%s uses a context value", directory)
				}
				return true
			})
		}
	}
}

// isContextValue reports whether an expression is ctx.Value or r.Context().Value.
func isContextValue(e *ast.SelectorExpr) bool {
	if e.Sel.Name != "Value" {
		return false
	}
	switch of := e.X.(type) {
	case *ast.Ident:
		return of.Name == "ctx"
	case *ast.CallExpr:
		f, ok := of.Fun.(*ast.SelectorExpr)
		return ok && f.Sel.Name == "Context"
	default:
		return false
	}
}
