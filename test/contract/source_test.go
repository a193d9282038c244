package contract

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const root = "../.."

// sourceFile is a Go file of the server that is not a test.
type sourceFile struct {
	dir     string // relative to the root
	syntax  *ast.File
	imports map[string]string // from local name to directory, for packages of this module
}

// source returns the Go files of the server.
func source(t *testing.T) []sourceFile {
	t.Helper()
	files, err := parseSource()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

var parseSource = sync.OnceValues(func() ([]sourceFile, error) {
	var files []sourceFile
	set := token.NewFileSet()
	err := eachFile(func(path string) error {
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		syntax, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		f := sourceFile{dir: dir, syntax: syntax, imports: map[string]string{}}
		for _, spec := range syntax.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			inside, ok := strings.CutPrefix(imported, "github.com/ostiary/ostiary/")
			if !ok {
				continue
			}
			name := filepath.Base(inside)
			if spec.Name != nil {
				name = spec.Name.Name
			}
			f.imports[name] = inside
		}
		files = append(files, f)
		return nil
	})
	return files, err
})

// eachFile visits the files of the server.
func eachFile(visit func(path string) error) error {
	for _, top := range []string{"cmd", "internal", "pkg"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			return visit(path)
		})
		if err != nil && (top != "pkg" || !os.IsNotExist(err)) {
			return err
		}
	}
	return nil
}

// text returns the value of a string literal.
func text(e ast.Node) (string, bool) {
	literal, ok := e.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return "", false
	}
	value, err := strconv.Unquote(literal.Value)
	return value, err == nil
}

// literals returns every string literal of the server that keep accepts. Tags of
// structures, import paths and refusal rules are not among them.
func literals(t *testing.T, keep func(string) bool) []string {
	t.Helper()
	var found []string
	for _, f := range source(t) {
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ImportSpec:
				return false
			case *ast.Field:
				return n.Tag == nil
			case *ast.ValueSpec:
				kind, ok := n.Type.(*ast.Ident)
				return !ok || kind.Name != "Rule"
			}
			if value, ok := text(n); ok && keep(value) {
				found = append(found, value)
			}
			return true
		})
	}
	return found
}

// calls visits every call of the server with the name of the callee, without its
// package or receiver.
func calls(t *testing.T, visit func(name string, call *ast.CallExpr)) {
	t.Helper()
	for _, f := range source(t) {
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			switch callee := call.Fun.(type) {
			case *ast.SelectorExpr:
				visit(callee.Sel.Name, call)
			case *ast.Ident:
				visit(callee.Name, call)
			}
			return true
		})
	}
}
