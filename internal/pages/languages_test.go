package pages

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/net/html"

	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/theme"
)

// options returns the options of a server with a language chooser.
func options() Options { return Options{Cookie: session.LanguageCookie{}} }

// request returns the request that pages respond to in tests.
func request() *http.Request {
	r, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, "/login?request=r", nil)
	return r
}

// TestNoTextIsOutsideTheCatalogue shows each page in the pseudo-language, whose catalogue has no
// Latin letter, with data without letters.
func TestNoTextIsOutsideTheCatalogue(t *testing.T) {
	t.Parallel()
	for _, s := range samples() {
		t.Run(s.page, func(t *testing.T) {
			t.Parallel()
			p, err := New(Options{Languages: []string{messages.Pseudo}, Cookie: session.LanguageCookie{}, Theme: theme.Theme{ProductName: "1", SupportAddress: "1@2"}})
			if err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			s.write(p, w, "2", "https://192.0.2.1/")
			doc := parse(t, w)
			for _, shown := range texts(doc) {
				if strings.ContainsFunc(shown, func(r rune) bool { return unicode.Is(unicode.Latin, r) }) {
					t.Errorf("the page shows %q, which is not in the catalogue", shown)
				}
			}
			root := elements(doc, "html")[0]
			if value(root, "dir") != "rtl" || value(root, "lang") != messages.Pseudo {
				t.Errorf("the page has lang %q and dir %q, want %q and rtl", value(root, "lang"), value(root, "dir"), messages.Pseudo)
			}
		})
	}
}

func parse(t *testing.T, w *httptest.ResponseRecorder) *html.Node {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(w.Body.String()))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// texts returns what a page shows or reads aloud.
func texts(doc *html.Node) []string {
	var all []string
	for n := range doc.Descendants() {
		switch {
		case n.Type == html.TextNode && n.Parent.Data != "noscript" && n.Parent.Data != "script":
			all = append(all, n.Data)
		case n.Type == html.ElementNode:
			for _, name := range []string{"alt", "aria-label", "placeholder", "title"} {
				all = append(all, value(n, name))
			}
		}
	}
	return all
}

func TestLanguageOfAPage(t *testing.T) {
	t.Parallel()
	began := time.Unix(1_800_000_000, 0)
	chosen := func(tag string, at time.Time) string { return tag + "." + strconv.FormatInt(at.Unix(), 10) }
	for name, tc := range map[string]struct {
		query, cookie, header string
		preferences           Preferences
		want                  string
	}{
		"nothing is known":               {want: "en"},
		"the browser's languages":        {header: "tlh, fr-CA;q=0.8, en;q=0.5", want: "fr"},
		"none of the browser's is known": {header: "tlh, fi", want: "en"},
		"a malformed header":             {header: ";;q=,", want: "en"},
		"Chinese of China":               {header: "zh-CN", want: "zh-Hans"},
		"a choice precedes the browser":  {header: "fr", cookie: chosen("ja", began), want: "ja"},
		"an unknown choice":              {header: "fr", cookie: chosen("xx", began), want: "fr"},
		"a malformed choice":             {header: "fr", cookie: "ja", want: "fr"},
		"the account precedes an older choice": {
			cookie: chosen("ja", began.Add(-time.Hour)), preferences: Preferences{Account: "es-MX", Since: began, SignedIn: began}, want: "es",
		},
		"a choice in the session precedes the account": {
			cookie: chosen("ja", began.Add(-time.Hour)), preferences: Preferences{Account: "es-MX", Since: began, SignedIn: began.Add(-2 * time.Hour)}, want: "ja",
		},
		"a choice in the session before a request with ui_locales": {
			cookie:      chosen("ja", began.Add(-time.Hour)),
			preferences: Preferences{UILocales: "de", Account: "es-MX", Since: began, SignedIn: began.Add(-2 * time.Hour)}, want: "de",
		},
		"ui_locales precedes the account": {preferences: Preferences{UILocales: "xx de", Account: "es", Since: began}, want: "de"},
		"ui_locales with an underscore":   {preferences: Preferences{UILocales: "de_AT"}, want: "de"},
		"unknown ui_locales":              {preferences: Preferences{UILocales: "xx x-y !!", Account: "es"}, want: "es"},
		"a choice during the request precedes it": {
			cookie: chosen("ja", began.Add(time.Minute)), preferences: Preferences{UILocales: "de", Account: "es", Since: began}, want: "ja",
		},
		"ui_locales in the address": {query: "?ui_locales=es", cookie: chosen("ja", began), want: "es"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := New(options())
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodGet, "/device"+tc.query, nil)
			_ = r.ParseForm()
			r.Header.Set("Accept-Language", tc.header)
			if tc.cookie != "" {
				r.AddCookie(&http.Cookie{Name: "ostiary_language", Value: tc.cookie})
			}
			for range 2 { // the second is answered from the stored headers
				if got := p.renderer.translation(WithPreferences(r, tc.preferences)).Tag; got != tc.want {
					t.Errorf("language = %q, want %q", got, tc.want)
				}
			}
		})
	}
}

func TestOneLanguageOnly(t *testing.T) {
	t.Parallel()
	p, err := New(Options{Languages: []string{"de"}, Cookie: session.LanguageCookie{}})
	if err != nil {
		t.Fatal(err)
	}
	r := request()
	r.Header.Set("Accept-Language", "en")
	w := httptest.NewRecorder()
	p.Show(w, r, http.StatusOK, Home{})
	doc := parse(t, w)
	if lang := value(elements(doc, "html")[0], "lang"); lang != "de" || byID(doc, "languages") != nil {
		t.Errorf("lang = %q, want de, and no chooser", lang)
	}
}

// TestEveryPageOffersTheLanguages holds the chooser, which needs no script.
func TestEveryPageOffersTheLanguages(t *testing.T) {
	t.Parallel()
	for _, s := range samples() {
		t.Run(s.page, func(t *testing.T) {
			t.Parallel()
			_, doc := open(t, func(p *Pages, w http.ResponseWriter) { s.write(p, w, "Acme", "https://acme.example/") })
			passing := policies()[s.page].passing
			if chooser := byID(doc, "languages"); (chooser == nil) != passing {
				t.Fatalf("the page has a chooser: %v, want %v", chooser != nil, !passing)
			}
			if passing {
				return
			}
			var offered []string
			for _, n := range elements(doc, "button") {
				if value(n, "name") == "language" {
					offered = append(offered, value(n, "value"))
				}
			}
			if !slices.Equal(offered, messages.Tags()) {
				t.Errorf("the page offers %v, want %v", offered, messages.Tags())
			}
			want := "/login?request=r"
			if policies()[s.page].last {
				want = "/"
			}
			for _, n := range elements(doc, "input") {
				if value(n, "name") == "return" && value(n, "value") != want {
					t.Errorf("the chooser leads to %q, want %q", value(n, "value"), want)
				}
			}
		})
	}
}

func TestChooserReturnsToThePage(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ method, address, body, want string }{
		"a page":                         {http.MethodGet, "/device?user_code=A+B", "", "/device?user_code=A+B"},
		"without the replaced parameter": {http.MethodGet, "/device?user_code=A&ui_locales=de", "", "/device?user_code=A"},
		"a form that was refused":        {http.MethodPost, "/login", "request=r&username=ada&password=secret", "/login?request=r"},
		"a long address":                 {http.MethodGet, "/account?q=" + strings.Repeat("s", 9000), "", "/"},
		"parameters of a client":         {http.MethodGet, "/oauth2/auth?client_id=web&redirect_uri=https://x.example/?token=secret", "", "/"},
		"a stored request":               {http.MethodGet, "/oauth2/auth?continue=r&state=secret", "", "/oauth2/auth?continue=r"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(tc.method, tc.address, strings.NewReader(tc.body))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			_ = r.ParseForm()
			if got := returnPath(r); got != tc.want {
				t.Errorf("returnPath = %q, want %q", got, tc.want)
			}
		})
	}
}

// TestStoredHeadersAreBounded holds the memory that anonymous requests can fill.
func TestStoredHeadersAreBounded(t *testing.T) {
	t.Parallel()
	p, err := New(options())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 * maxAccepted {
		p.renderer.languages.matchHeader("de, en;q=0." + strconv.Itoa(i))
	}
	if got := p.renderer.languages.count.Load(); got != maxAccepted {
		t.Errorf("%d headers are stored, want %d", got, maxAccepted)
	}
	if got := p.renderer.languages.matchHeader("de, x-" + strings.Repeat("a", maxHeader)); got != nil {
		t.Error("a header of any length is parsed")
	}
}
