package pages

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestClientInALanguage(t *testing.T) {
	t.Parallel()
	c := Client{
		Name: "Acme", LogoURI: "https://acme.example/en.png", PolicyURI: "https://acme.example/en",
		Tagged: map[string]string{
			"client_name#de": "Acme auf Deutsch", "client_name#zh-CN": "爱克米", "logo_uri#de": "https://acme.example/de.png",
			"policy_uri#de-AT": "https://acme.example/de", "client_name#!": "broken",
		},
	}
	for tag, want := range map[string][]string{
		"de":      {"Acme auf Deutsch", "https://acme.example/de.png", "https://acme.example/de"},
		"zh-Hans": {"爱克米", "https://acme.example/en.png", "https://acme.example/en"},
		"fr":      {"Acme", "https://acme.example/en.png", "https://acme.example/en"},
	} {
		t.Run(tag, func(t *testing.T) {
			t.Parallel()
			p, err := shared()
			if err != nil {
				t.Fatal(err)
			}
			r := request()
			r.Header.Set("Accept-Language", tag)
			w := httptest.NewRecorder()
			p.Consent(w, r, http.StatusOK, Consent{Client: c, Action: "/consent"})
			doc := parse(t, w)
			got := []string{text(elements(doc, "h1")[0]), value(byID(doc, "client-logo"), "src"), value(byID(doc, "client-policy"), "href")}
			if !strings.Contains(got[0], want[0]) || got[1] != want[1] || got[2] != want[2] {
				t.Errorf("the page has %q, want %q", got, want)
			}
		})
	}
}
