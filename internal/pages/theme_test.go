package pages

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/ostiary/ostiary/internal/theme"
)

// themed returns pages with every setting of the look.
func themed(t *testing.T) *Pages {
	t.Helper()
	folder := t.TempDir()
	file := func(name, body string) string {
		name = filepath.Join(folder, name)
		if err := os.WriteFile(name, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	p, err := New(Options{
		Base: "/id",
		Theme: theme.Theme{
			ProductName: "Acme ID", AccentColor: "#0b57d0", AccentColorDark: "#a8c7fa", SupportAddress: "help@acme.example",
			FooterLinks: []theme.Link{{Text: "Imprint", URI: "https://acme.example/imprint"}},
		},
		Files: Files{Logo: file("l.SVG", "<svg/>"), LogoDark: file("d.png", "png"), Favicon: file("f.ico", "ico"), Stylesheet: file("s.css", ".card{}")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// links returns the values of an attribute of the elements with a name.
func links(doc *html.Node, element, attribute string) []string {
	var all []string
	for _, n := range elements(doc, element) {
		all = append(all, value(n, attribute))
	}
	return all
}

func TestOperatorLook(t *testing.T) {
	t.Parallel()
	p := themed(t)
	w := httptest.NewRecorder()
	p.Show(w, request(), http.StatusOK, Home{Issuer: "https://id.example"})
	doc := parse(t, w)
	if got := text(elements(doc, "title")[0]); !strings.HasSuffix(got, " · Acme ID") {
		t.Errorf("title = %q", got)
	}
	if got := links(elements(doc, "header")[0], "img", "alt"); !slices.Equal(got, []string{"Acme ID"}) {
		t.Errorf("the header has images of %q, want the logo", got)
	}
	for _, want := range []string{"https://acme.example/imprint", "mailto:help@acme.example"} {
		if !slices.Contains(links(elements(doc, "footer")[0], "a", "href"), want) {
			t.Errorf("the footer does not link to %s", want)
		}
	}
	files := append(links(doc, "link", "href"), links(doc, "img", "src")...)
	files = append(files, links(doc, "source", "srcset")...)
	want := map[string]string{
		"favicon.ico": "ico", "app.css": "--accent:", "theme-0b57d0-a8c7fa.css": "--accent: #0b57d0;", "operator.css": ".card{}",
		"logo.svg": "<svg/>", "logo-dark.png": "png",
	}
	if len(files) != len(want) {
		t.Errorf("the page loads %q, want %d files", files, len(want))
	}
	for _, file := range files {
		below, ok := strings.CutPrefix(file, "/id/static/")
		if !ok {
			t.Errorf("the page loads %q, which is not below the issuer", file)
		}
		w := httptest.NewRecorder()
		p.Static().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/static/"+below, nil))
		content, known := want[filepath.Base(file)]
		if !known || w.Code != http.StatusOK || !strings.Contains(w.Body.String(), content) || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("GET %s = %d %q, want %q", file, w.Code, w.Body, content)
		}
	}
	sheets := links(doc, "link", "href")
	if i := slices.IndexFunc(sheets, func(s string) bool { return strings.HasSuffix(s, "operator.css") }); i != len(sheets)-1 {
		t.Errorf("the style sheets are %q, want that of the operator last", sheets)
	}
}

func TestClientLook(t *testing.T) {
	t.Parallel()
	p := themed(t)
	c := Client{Name: "Shop", Theme: &theme.Theme{
		ProductName: "Shop ID", LogoURI: "https://shop.example/l.svg", FaviconURI: "https://shop.example/f.ico", AccentColor: "#99231f",
		FooterLinks: []theme.Link{{Text: "Terms", URI: "https://shop.example/terms"}}, SupportAddress: "help@shop.example",
	}}
	w := httptest.NewRecorder()
	p.SignIn(w, request(), http.StatusOK, SignIn{Client: &c, Action: "/login"})
	page := w.Body.String()
	for _, want := range []string{" · Shop ID<", "https://shop.example/l.svg", "https://shop.example/f.ico", "theme-99231f.css", "https://shop.example/terms", "mailto:help@shop.example"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, not := range []string{"Acme ID", "logo.svg", "logo-dark.png", "acme.example"} {
		if strings.Contains(page, not) {
			t.Errorf("the page has %s of the server", not)
		}
	}
	w = httptest.NewRecorder()
	p.SignIn(w, request(), http.StatusOK, SignIn{Client: &Client{Name: "Other"}, Action: "/login"})
	if page := w.Body.String(); strings.Contains(page, "99231f") || !strings.Contains(page, "Acme ID") {
		t.Error("the look of one client is on the page of another")
	}
}

func TestThemeStyleOfUnknownColours(t *testing.T) {
	t.Parallel()
	p := themed(t)
	for _, name := range []string{"theme-.css", "theme-zzzzzz.css", "theme-0b57d0-x.css", "theme-0b57d0", "theme-0b57d0};.css"} {
		w := httptest.NewRecorder()
		p.Static().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/static/x/"+name, nil))
		if w.Code != http.StatusNotFound {
			t.Errorf("GET %s = %d %q, want 404", name, w.Code, w.Body)
		}
	}
}

func TestFilesOfTheOperator(t *testing.T) {
	t.Parallel()
	large := filepath.Join(t.TempDir(), "logo.png")
	if err := os.WriteFile(large, make([]byte, operatorFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{large, filepath.Join(t.TempDir(), "none.svg")} {
		if _, err := New(Options{Files: Files{Logo: path}}); err == nil {
			t.Errorf("New with the logo %s succeeds", path)
		}
	}
}
