// Command shape checks the size of types, of files and of package main:
//
//		go -C tools run ./shape ..
//
//	  - no type declares more than 25 methods, or has more in its method set with
//	    those of embedded types;
//	  - the main packages below cmd/ have fewer than 50 lines of code together;
//	  - no Go file that is not a test has more than 400 lines.
//
// It prints each violation and exits with status 1 if there is one. Exceptions are in
// exceptions.txt, each with its reason; an unneeded exception is a violation.
package main

import (
	_ "embed"
	"fmt"
	"go/scanner"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

//go:embed exceptions.txt
var exceptions string

const (
	maxMethods   = 25
	maxFileLines = 400
	maxMainLines = 49 // of code, without blank lines and comments
)

func main() {
	root := ".."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	violations, err := check(root)
	if err != nil {
		fmt.Fprintln(os.Stderr, "shape:", err)
		os.Exit(2)
	}
	violations = without(violations, exceptions)
	for _, v := range violations {
		_, _ = fmt.Fprintln(os.Stdout, v)
	}
	if len(violations) > 0 {
		os.Exit(1)
	}
}

// check returns the violations in the module at root, sorted.
func check(root string) ([]string, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	loaded, err := packages.Load(&packages.Config{
		Dir: root,
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports |
			packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedExportFile,
	}, "./...")
	if err != nil {
		return nil, err
	}
	var violations []string
	mainLines := 0
	for _, pkg := range loaded {
		if len(pkg.Errors) > 0 {
			return nil, pkg.Errors[0]
		}
		if strings.Contains(pkg.PkgPath, "/third_party/") {
			continue
		}
		violations = append(violations, largeTypes(pkg.Types)...)
		for _, file := range pkg.GoFiles {
			lines, code, err := count(file)
			if err != nil {
				return nil, err
			}
			name, _ := filepath.Rel(root, file)
			if lines > maxFileLines {
				violations = append(violations, fmt.Sprintf("%s: %d lines, want at most %d", name, lines, maxFileLines))
			}
			if pkg.Name == "main" && strings.HasPrefix(name, "cmd"+string(filepath.Separator)) {
				mainLines += code
			}
		}
	}
	if mainLines > maxMainLines {
		violations = append(violations, fmt.Sprintf("cmd: %d lines of code in package main, want at most %d", mainLines, maxMainLines))
	}
	slices.Sort(violations)
	return violations, nil
}

// without removes the violations of the files and types that list names, one in a
// line with a reason, and adds one for each name that has no violation.
func without(violations []string, list string) []string {
	for line := range strings.Lines(list) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "" || strings.HasPrefix(name, "#") {
			continue
		}
		before := len(violations)
		violations = slices.DeleteFunc(violations, func(v string) bool { return strings.HasPrefix(v, name+": ") })
		if len(violations) == before {
			violations = append(violations, name+": listed in exceptions.txt, but has no violation")
		}
	}
	return violations
}

// largeTypes returns the types of a package that have too many methods.
func largeTypes(pkg *types.Package) []string {
	var violations []string
	for _, name := range pkg.Scope().Names() {
		named, ok := pkg.Scope().Lookup(name).(*types.TypeName)
		if !ok || named.IsAlias() {
			continue
		}
		t, ok := named.Type().(*types.Named)
		if !ok {
			continue
		}
		declared, all := t.NumMethods(), types.NewMethodSet(types.NewPointer(t)).Len()
		if i, ok := t.Underlying().(*types.Interface); ok {
			declared, all = i.NumExplicitMethods(), i.NumMethods()
		}
		if declared > maxMethods || all > maxMethods {
			violations = append(violations, fmt.Sprintf("%s.%s: %d methods declared, %d with embedded types, want at most %d", pkg.Path(), name, declared, all, maxMethods))
		}
	}
	return violations
}

// count returns the number of lines of a Go file, and of lines that hold code.
func count(file string) (lines, code int, err error) {
	source, err := os.ReadFile(file) //nolint:gosec // a file of a loaded package
	if err != nil {
		return 0, 0, err
	}
	fset := token.NewFileSet()
	tokens := fset.AddFile(file, -1, len(source))
	var s scanner.Scanner
	s.Init(tokens, source, nil, 0)
	last := 0
	for {
		at, tok, literal := s.Scan()
		if tok == token.EOF {
			break
		}
		if tok == token.SEMICOLON && literal == "\n" {
			continue
		}
		first := tokens.Line(at)
		end := first + strings.Count(literal, "\n")
		code += end - max(first-1, last)
		last = max(last, end)
	}
	return strings.Count(string(source), "\n"), code, nil
}
