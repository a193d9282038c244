package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// parsed returns the rules of rules.txt.
func parsed(t *testing.T) *rules {
	t.Helper()
	r, err := parseRules(rulesText)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRules(t *testing.T) {
	t.Parallel()

	r := parsed(t)
	for _, tc := range []struct {
		area    area
		content string
		want    string // rules, joined by commas
	}{
		{comments, "Whoever sends a second code is refused.", "whoever"},
		{comments, "What is refused leaves no trace.", "what"},
		{comments, "Rejected requests are not stored.", ""},
		{comments, "client returns what the store holds", ""},
		{comments, "The token is what\nthe client sent.", "what"},
		{comments, "gone is for a request of another browser.", "is for"},
		{comments, "errExpired reports an expired authorization request.", ""},
		{docs, "The cache reads the client anew.", "anew"},
		{docs, "The cache reads the client again.", ""},
		{docs, "The server SHALL return an error (RFC 6749).", ""},
		{docs, "The server shall return an error.", "shall"},
		{comments, "The person signs in.", "person"},
		{docs, "The person signs in.", ""},
		{visible, "This user name and password do not belong together.", "belongs"},
		{visible, "Incorrect username or password.", ""},
		{names, "askedFor", "name: asked"},
		{names, "authorizationRequest", ""},
		{names, "signin_desk_test", "name: desk"},
		{names, "taskedDesktop", ""},
	} {
		var got []string
		for _, h := range r.hits(&text{area: tc.area, content: tc.content, line: 1}) {
			got = append(got, h.rule)
		}
		if joined := strings.Join(got, ","); joined != tc.want {
			t.Errorf("%s %q: rules %q, want %q", tc.area, tc.content, joined, tc.want)
		}
	}
}

// write makes a repository of the files and returns its path.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
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

func TestHitsAreListedWithTheirLine(t *testing.T) {
	t.Parallel()

	root := write(t, map[string]string{
		"a/a.go":             "package a\n\n// f reads the client\n// anew, of `whoever` and \"whoever\" comes.\nfunc f() {\n\t//nolint:gosec // nobody reads it\n}\n",
		"a/doc.md":           "# Title\n\n```\nwhoever\n```\n\n| case | whoever |\n|---|---|\n",
		"Makefile":           "test: ## run tests anew\n",
		"third_party/x/x.go": "package x // whoever\n",
	})
	var out strings.Builder
	ok, err := run([]string{"-list", root}, &out)
	if err != nil || ok {
		t.Errorf("run = %v, %v; want false, nil", ok, err)
	}
	for _, want := range []string{"a/a.go:4: anew:", "a/a.go:6: nobody:", "a/doc.md:7: whoever:", "Makefile:1: anew:"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the list lacks %q:\n%s", want, &out)
		}
	}
	if strings.Count(out.String(), "whoever:") != 1 {
		t.Errorf("code, quotations or third_party count:\n%s", &out)
	}
}

func TestOneHitInAVisibleStringFails(t *testing.T) {
	t.Parallel()

	plain := strings.Repeat("plain words of a document\n", 500)
	for name, tc := range map[string]struct {
		file, content string
		want          bool
	}{
		"error":           {"a.go", "package a\n\nvar err = errors.New(\"this is of no use\")\n", false},
		"joined literals": {"a.go", "package a\n\nvar s = \"read it \" + \"anew\"\n", false},
		"help":            {"a.go", "package a\n\ntype t struct {\n\tF string `help:\"Whoever\"`\n}\n", false},
		"OpenAPI":         {"a.go", "package a\n\ntype t struct {\n\tF string `doc:\"Whoever\"`\n}\n", false},
		"helper of tests": {"atest/a.go", "package atest\n\nvar s = \"read it anew\"\n", true},
		"page":            {"page.html", "<p>Whoever {{.Name}}</p>", false},
		"SQL":             {"a.go", "package a\n\nvar q = \"SELECT anew FROM whoever\"\n", true},
		"test":            {"a_test.go", "package a\n\nvar s = \"read it anew\"\n", true},
		"markup":          {"page.html", "<p class=\"whoever\">{{.Anew}}</p>", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			root := write(t, map[string]string{tc.file: tc.content, "doc.md": plain})
			var out strings.Builder
			if ok, err := run([]string{root}, &out); err != nil || ok != tc.want {
				t.Errorf("run = %v, %v; want %v\n%s", ok, err, tc.want, &out)
			}
		})
	}
}

func TestBudgetIsPer10000WordsOfCommentsAndMarkdown(t *testing.T) {
	t.Parallel()

	budget := int(parsed(t).budget)
	for hits, want := range map[int]bool{budget: true, budget + 1: false} {
		root := write(t, map[string]string{
			"doc.md": strings.Repeat("anew ", hits) + strings.Repeat("word ", 5_000-hits),
			"a.go":   "// " + strings.Repeat("word ", 5_000) + "\npackage a\n",
		})
		var out strings.Builder
		if ok, err := run([]string{root}, &out); err != nil || ok != want {
			t.Errorf("%d hits: run = %v, %v; want %v\n%s", hits, ok, err, want, &out)
		}
		out.Reset()
		if ok, err := run([]string{"-over", root}, &out); err != nil || ok != want || (out.Len() == 0) != want {
			t.Errorf("%d hits: run -over = %v, %v with %d bytes of output; want %v", hits, ok, err, out.Len(), want)
		}
	}
}
