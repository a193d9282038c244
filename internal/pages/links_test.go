package pages

import (
	"testing"
)

func TestTargetLeadsOnlyWhereItMay(t *testing.T) {
	t.Parallel()

	for link, ok := range map[string]bool{
		"/login":                       true,
		"/cancel?request=a&b=c":        true,
		"https://acme.example/cb":      true,
		"http://127.0.0.1:8080/cb":     true,
		"com.acme.app:/cb":             true,
		"":                             false,
		"login":                        false,
		"//evil.example":               false,
		`/\evil.example`:               false,
		"javascript:alert(1)":          false,
		"JAVASCRIPT:alert(1)":          false,
		"data:text/html,x":             false,
		"custom:/cb":                   false,
		"https://":                     false,
		"https://user@evil.example/cb": false,
	} {
		if got := target(link); (got != "") != ok || (ok && string(got) != link) {
			t.Errorf("target(%q) = %q, allowed should be %v", link, got, ok)
		}
	}
}

func TestLogosAreFetchedOverHTTPSOnly(t *testing.T) {
	t.Parallel()

	for link, want := range map[string]string{
		"https://acme.example/logo.png": "https://acme.example/logo.png",
		"http://acme.example/logo.png":  "",
		"data:image/svg+xml,x":          "",
		"/logo.png":                     "",
	} {
		if got := logoLink(link); got != want {
			t.Errorf("logoLink(%q) = %q, want %q", link, got, want)
		}
	}
}
