package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// area is the kind of a text.
type area string

const (
	comments area = "comments"
	visible  area = "strings" // that people see: messages, help, pages
	names    area = "names"   // identifiers and file names
	docs     area = "docs"    // Markdown
)

// text is a comment, a string, a name or a document.
type text struct {
	file    string
	pkg     string // directory of the file
	line    int    // of the first character
	area    area
	content string // quotations and code blanked out
}

func (t *text) lineAt(offset int) int {
	return t.line + strings.Count(t.content[:max(offset, 0)], "\n")
}

// excerpt returns the text between the offsets with some words on both sides.
func (t *text) excerpt(from, to int) string {
	from, to = max(from-30, 0), min(to+40, len(t.content))
	return strings.Join(strings.Fields(strings.ToValidUTF8(t.content[from:to], "")), " ")
}

func (t *text) words() int {
	if t.area == names {
		return len(camelWords(t.content))
	}
	return len(word.FindAllString(t.content, -1))
}

var (
	word = regexp.MustCompile(`[\pL][\pL\d'’-]*`)

	// Code and quotations are not our prose.
	quoted = regexp.MustCompile("`[^`]*`" + `|"[^"\n]*"|“[^”]*”|https?://\S+`)

	fenced   = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	linked   = regexp.MustCompile(`\]\([^)]*\)|<!--[\s\S]*?-->|<[^>\n]*>`)
	markup   = regexp.MustCompile(`(?s)<(script|style)\b.*?</(script|style)>|\{\{.*?\}\}|<[^>]*>`)
	indented = regexp.MustCompile(`(?m)^\t.*$`) // code in a Go comment
)

// blank replaces what pattern matches by blanks, so that offsets and lines stay.
func blank(content string, pattern *regexp.Regexp) string {
	return pattern.ReplaceAllStringFunc(content, func(match string) string {
		return strings.Map(func(c rune) rune {
			if c == '\n' {
				return c
			}
			return ' '
		}, match)
	})
}

// readAll returns the texts of all files below the paths.
func readAll(paths []string) ([]*text, error) {
	var texts []*text
	for _, path := range paths {
		err := filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if entry.IsDir() {
				if file != path && slices.Contains([]string{".git", "third_party", "testdata", "node_modules", "images", "bin", "vendor"}, entry.Name()) {
					return filepath.SkipDir
				}
				return nil
			}
			read, err := readFile(filepath.ToSlash(file))
			texts = append(texts, read...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return texts, nil
}

// inPackage returns the texts of one directory and those below it, or all.
func inPackage(texts []*text, pkg string) []*text {
	if pkg == "" {
		return texts
	}
	pkg = strings.TrimPrefix(filepath.Clean(pkg), "../")
	return slices.DeleteFunc(texts, func(t *text) bool {
		return t.pkg != pkg && !strings.HasPrefix(t.pkg, pkg+"/")
	})
}

// commentPrefix returns the prefix of comments by the extension of a file; "" means
// that comments of such files are not read.
func commentPrefix(extension string) string {
	switch extension {
	case "", ".sh", ".py", ".yaml", ".yml", ".service":
		return "#"
	case ".sql":
		return "--"
	case ".js", ".mjs", ".java", ".mod":
		return "//"
	}
	return ""
}

// readFile returns the texts of a file, none if it is of no kind that has some.
func readFile(file string) ([]*text, error) {
	extension := filepath.Ext(file)
	prefix := commentPrefix(extension)
	base := filepath.Base(file)
	if prefix == "" && !slices.Contains([]string{".go", ".md", ".html"}, extension) || base == "LICENSE" || strings.HasPrefix(base, ".git") && extension == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(file) //nolint:gosec // the path is from the command line
	if err != nil {
		return nil, err
	}
	source := string(raw)
	pkg := strings.TrimPrefix(filepath.Dir(file), "../")
	name := &text{file, pkg, 1, names, strings.TrimSuffix(base, extension)}
	switch extension {
	case ".go":
		texts, err := goTexts(file, pkg, source)
		return append(texts, name), err
	case ".md":
		source = blank(blank(blank(source, fenced), linked), quoted)
		return []*text{name, {file, pkg, 1, docs, source}}, nil
	case ".html":
		return []*text{name, {file, pkg, 1, visible, blank(source, markup)}}, nil
	}
	return append(commentTexts(file, pkg, source, prefix), name), nil
}

// commentTexts joins comments on lines that follow each other, as one text.
func commentTexts(file, pkg, source, prefix string) []*text {
	var texts []*text
	last := -2
	trailing := regexp.MustCompile(`(?:^|\s)` + regexp.QuoteMeta(prefix) + `+\s(.*)|\b(?:desc|msg|description|summary): (.*)`)
	for number, line := range strings.Split(source, "\n") {
		found := trailing.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		content := blank(found[1]+found[2], quoted)
		if last == number-1 && strings.HasPrefix(strings.TrimSpace(line), prefix) {
			texts[len(texts)-1].content += "\n" + content
		} else {
			texts = append(texts, &text{file, pkg, number + 1, comments, content})
		}
		last = number
	}
	return texts
}
