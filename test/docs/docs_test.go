package docs_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the root of the repository.
const root = "../.."

// Tables with a column "test" must name existing files and tests.
func TestTablesNameExistingFilesAndTests(t *testing.T) {
	t.Parallel()
	tests := testFunctions(t)
	code := regexp.MustCompile("`([^`]+)`")
	name := regexp.MustCompile(`\b(?:Test|Fuzz)\w+`)
	for _, page := range []string{"docs/standards.md", "docs/threat-model.md", "docs/conformance.md", "test/e2e/README.md"} {
		rows := testedRows(t, page)
		if len(rows) == 0 {
			t.Errorf("%s has no table with a column named test", page)
		}
		for _, row := range rows {
			files := code.FindAllStringSubmatch(row.where, -1)
			if len(files) == 0 {
				t.Errorf("%s: no file in %s", page, row.line)
			}
			for _, file := range files {
				if _, err := os.Stat(filepath.Join(root, place(file[1]))); err != nil {
					t.Errorf("%s: there is no %s: %s", page, file[1], row.line)
				}
			}
			for group := range strings.SplitSeq(row.test, ";") {
				folder, names := code.FindStringSubmatch(group), name.FindAllString(group, -1)
				if folder == nil || len(names) == 0 {
					t.Errorf("%s: %q is no folder with its tests: %s", page, group, row.line)
					continue
				}
				for _, test := range names {
					if !slices.Contains(tests[place(folder[1])], test) {
						t.Errorf("%s: there is no %s in %s: %s", page, test, folder[1], row.line)
					}
				}
			}
		}
	}
}

// place returns the path of a file that a page names, which is below internal by default.
func place(name string) string {
	for _, top := range []string{"cmd/", "pkg/", "test/", "migrations", "deploy/"} {
		if strings.HasPrefix(name, top) {
			return name
		}
	}
	return path.Join("internal", name)
}

type testedRow struct{ line, where, test string }

// testedRows returns the rows of a page's tables that name tests.
func testedRows(t *testing.T, page string) (rows []testedRow) {
	t.Helper()
	where, test := -1, -1
	for line := range strings.SplitSeq(read(t, page), "\n") {
		cells := strings.Split(line, "|")
		switch {
		case !strings.HasPrefix(line, "|"):
			where, test = -1, -1
		case strings.HasPrefix(line, "|---"):
		case test >= 0 && len(cells) > test:
			rows = append(rows, testedRow{line, cells[where], cells[test]})
		default:
			where, test = slices.Index(cells, " file "), slices.Index(cells, " test ")
		}
	}
	return rows
}

// testFunctions returns the tests and fuzz targets of each folder.
func testFunctions(t *testing.T) map[string][]string {
	t.Helper()
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	found := map[string][]string{}
	for _, file := range treeFiles(t, "_test.go") {
		for _, match := range declared.FindAllStringSubmatch(read(t, file), -1) {
			found[path.Dir(file)] = append(found[path.Dir(file)], match[1])
		}
	}
	return found
}

var (
	fence    = regexp.MustCompile("(?ms)^```.*?^```$")
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)|\b(?:href|src|srcset)="([^"]+)"`)
	heading  = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	unslug   = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	absolute = regexp.MustCompile(`^[a-z]+:`)
)

// Links must lead to existing files and headings.
func TestLinksResolve(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, page := range treeFiles(t, ".md") {
		text := fence.ReplaceAllString(read(t, page), "")
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			target := match[1] + match[2]
			if absolute.MatchString(target) {
				continue
			}
			seen++
			file, fragment, _ := strings.Cut(target, "#")
			file = path.Join(path.Dir(page), file)
			if strings.HasPrefix(target, "#") {
				file = page
			}
			if _, err := os.Stat(filepath.Join(root, file)); err != nil {
				t.Errorf("%s links to %s, which does not exist", page, target)
			} else if fragment != "" && !slices.Contains(anchors(t, file), fragment) {
				t.Errorf("%s links to %s, which has no such heading", page, target)
			}
		}
	}
	if seen == 0 {
		t.Error("no page has a link")
	}
}

// anchors returns the fragment identifiers of a page's headings.
func anchors(t *testing.T, page string) (names []string) {
	t.Helper()
	for _, match := range heading.FindAllStringSubmatch(fence.ReplaceAllString(read(t, page), ""), -1) {
		name := unslug.ReplaceAllString(strings.ToLower(match[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}

// treeFiles returns the files of the repository with a suffix, except hidden,
// installed and third-party files.
func treeFiles(t *testing.T, suffix string) (files []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "node_modules"):
			return fs.SkipDir
		case !entry.IsDir() && strings.HasSuffix(name, suffix):
			files = append(files, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func read(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
