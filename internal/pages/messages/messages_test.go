package messages_test

import (
	"html/template"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

func english(t *testing.T) *messages.Catalogue {
	t.Helper()
	c, err := messages.Load(messages.English)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTextAndHTML(t *testing.T) {
	t.Parallel()
	c := english(t)
	bold := template.HTML("<strong>A</strong>")
	for name, tc := range map[string]struct {
		message    messages.Message
		text, html string
	}{
		"without arguments": {messages.New("sign-in.incorrect"), "Incorrect username or password.", "Incorrect username or password."},
		"an argument is escaped": {
			messages.New("consent.heading", "client", "<b>"), "<b> wants to access your account", "&lt;b&gt; wants to access your account",
		},
		"markup is kept": {
			messages.New("consent.heading", "client", bold), "<strong>A</strong> wants to access your account", "<strong>A</strong> wants to access your account",
		},
		"a message as an argument": {
			messages.New("retry.after", "fault", messages.New("retry.too-many-attempts"), "duration", messages.Duration(time.Minute)),
			"Too many attempts. Try again in 1 minute.", "Too many attempts. Try again in 1 minute.",
		},
		"a literal": {messages.Literal("a {b} & c"), "a {b} & c", "a {b} &amp; c"},
		"nothing":   {messages.Message{}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := c.Text(tc.message); got != tc.text {
				t.Errorf("Text = %q, want %q", got, tc.text)
			}
			if got := c.HTML(tc.message); string(got) != tc.html {
				t.Errorf("HTML = %q, want %q", got, tc.html)
			}
		})
	}
}

func TestDurationRoundsUp(t *testing.T) {
	t.Parallel()
	c := english(t)
	for d, want := range map[time.Duration]string{
		time.Second: "1 minute", time.Minute: "1 minute", 61 * time.Second: "2 minutes", 2 * time.Hour: "120 minutes",
		2*time.Hour + 1: "3 hours", 48 * time.Hour: "48 hours", 49 * time.Hour: "3 days",
	} {
		if got := c.Text(messages.Duration(d)); got != want {
			t.Errorf("Duration(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestOr(t *testing.T) {
	t.Parallel()
	if got := (messages.Message{}).Or(messages.Literal("b")); got.IsZero() {
		t.Error("Or of an empty message is empty, want the other one")
	}
}

// TestCatalogueIsComplete compares the catalogue with the keys that templates and packages
// name. A key that is put together, as in "error." + kind + ".title", counts by its parts.
func TestCatalogueIsComplete(t *testing.T) {
	t.Parallel()
	keys := english(t).Keys()
	source := read(t, "..", ".html", ".go") + read(t, "../../login", ".go") + read(t, "../../console", ".go") + read(t, "../../oidc/logout", ".go") + read(t, "../../oauth2/authorize", ".go") + read(t, "../../mail", ".go")
	named := regexp.MustCompile(`(?:\bt|messages\.New\() ?"([a-z.-]+)"(?: \+|\))?`)
	for _, m := range named.FindAllStringSubmatch(source, -1) {
		if !strings.HasSuffix(m[1], ".") && !slices.Contains(keys, m[1]) {
			t.Errorf("a page uses %q, which the catalogue lacks", m[1])
		}
	}
	for _, key := range keys {
		parts := strings.Split(key, ".")
		composed := len(parts) == 3 && slices.Contains([]string{"error", "mail", "scope"}, parts[0]) && strings.Contains(source, `"`+parts[1]+`"`)
		for _, part := range []string{".hint", ".text"} { // of another key
			whole, isPart := strings.CutSuffix(key, part)
			composed = composed || isPart && strings.Contains(source, `+ "`+part+`"`) && strings.Contains(source, `"`+whole+`"`)
		}
		if !composed && !strings.Contains(source, `"`+key+`"`) {
			t.Errorf("no page uses %q", key)
		}
	}
}

// TestTemplatesHaveNoText holds every sentence to the catalogue.
func TestTemplatesHaveNoText(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../templates/*.html")
	if err != nil || len(files) == 0 {
		t.Fatalf("no templates: %v", err)
	}
	action, tag := regexp.MustCompile(`(?s)\{\{.*?\}\}`), regexp.MustCompile(`(?s)<[^>]*>`)
	attribute := regexp.MustCompile(`(?:aria-label|title|alt|placeholder)="[^"{]*[A-Za-z]`)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		markup := action.ReplaceAllString(string(raw), "")
		if text := tag.ReplaceAllString(markup, ""); regexp.MustCompile(`[A-Za-z]{2}`).MatchString(text) {
			t.Errorf("%s contains text that is not in the catalogue: %q", file, strings.TrimSpace(text))
		}
		if found := attribute.FindString(markup); found != "" {
			t.Errorf("%s contains an attribute that is not in the catalogue: %q", file, found)
		}
	}
}

// read returns the contents of the files of a directory and those below it.
func read(t *testing.T, dir string, extensions ...string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, "_test.go") || !slices.Contains(extensions, filepath.Ext(path)) {
			return err
		}
		raw, err := os.ReadFile(path)
		all.Write(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
