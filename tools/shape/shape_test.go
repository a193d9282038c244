package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// module writes a Go module with the files and returns its path.
func module(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	files["go.mod"] = "module example.org/m\n\ngo 1.26\n"
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// methods declares n methods of a type T, which begin with prefix.
func methods(prefix string, n int) string {
	var source strings.Builder
	for i := range n {
		fmt.Fprintf(&source, "func (T) %s%d() {}\n", prefix, i)
	}
	return source.String()
}

func TestCheck(t *testing.T) {
	t.Parallel()

	const cmd = "package main\n\nfunc main() {}\n"
	for name, tc := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"at the limits": {
			map[string]string{
				"a/a.go":          "package a\n\ntype T struct{}\n" + methods("M", 25),
				"a/long.go":       "package a\n" + strings.Repeat("\n", 399),
				"a/long_test.go":  "package a\n" + strings.Repeat("\n", 500),
				"cmd/m/main.go":   cmd + strings.Repeat("// Comment.\n\n", 100),
				"bench/b/main.go": cmd + strings.Repeat("var _ = 1\n", 60),
			},
			nil,
		},
		"methods in two files": {
			map[string]string{
				"a/a.go": "package a\n\ntype T struct{}\n" + methods("M", 13),
				"a/b.go": "package a\n\n" + methods("N", 13),
			},
			[]string{"example.org/m/a.T: 26 methods declared, 26 with embedded types, want at most 25"},
		},
		"methods of an embedded type of another package": {
			map[string]string{
				"a/a.go": "package a\n\ntype T struct{}\n" + methods("M", 25),
				"b/b.go": "package b\n\nimport \"example.org/m/a\"\n\ntype u struct{ *a.T }\n\nfunc (u) M0() {}\n\nfunc (u) N() {}\n",
			},
			[]string{"example.org/m/b.u: 2 methods declared, 26 with embedded types, want at most 25"},
		},
		"long file": {
			map[string]string{"a/long.go": "package a\n" + strings.Repeat("\n", 400)},
			[]string{"a/long.go: 401 lines, want at most 400"},
		},
		"large package main": {
			map[string]string{
				"cmd/m/main.go": cmd + strings.Repeat("var _ = 1\n", 30),
				"cmd/m/text.go": "package main\n\nconst text = `\n" + strings.Repeat("\n", 17) + "`\n",
			},
			[]string{"cmd: 52 lines of code in package main, want at most 49"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			got, err := check(module(t, tc.files))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("check = %q, want %q", got, tc.want)
			}
		})
	}
}

func TestExceptions(t *testing.T) {
	t.Parallel()

	got := without([]string{"m/a.T: 30 methods", "m/a.TT: 40 methods"}, "# comment\n\nm/a.T one statement per method\nm/a.U too\n")
	want := []string{"m/a.TT: 40 methods", "m/a.U: listed in exceptions.txt, but has no violation"}
	if !slices.Equal(got, want) {
		t.Errorf("without = %q, want %q", got, want)
	}
}
