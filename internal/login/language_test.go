package login

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
)

// TestLanguageOfTheFlow follows a request with ui_locales from page to page.
func TestLanguageOfTheFlow(t *testing.T) {
	t.Parallel()
	h := newPageServer(t)
	b := h.browser(t)
	speaks := func(t *testing.T, got answer, tag string) {
		t.Helper()
		if !strings.Contains(got.body, `<html lang="`+tag+`"`) {
			t.Errorf("status %d, the page is not in %s: %.300s", got.status, tag, got.body)
		}
	}

	id := b.begin(t, "scope=openid+profile&redirect_uri=https://notes.example/cb&ui_locales=xx+fr-CA")
	page := b.get(t, "/login?request="+id)
	speaks(t, page, "fr")
	speaks(t, b.submit(t, page, "username", "ada", "password", "wrong"), "fr")
	speaks(t, b.get(t, "/signup?request="+id), "fr")

	chosen := b.post(t, "/language", url.Values{"language": {"ja"}, "return": {"/login?request=" + id}})
	if chosen.status != http.StatusSeeOther || chosen.location != "/login?request="+id {
		t.Fatalf("choosing a language = %d to %q, want 303 to the page", chosen.status, chosen.location)
	}
	page = b.get(t, chosen.location)
	speaks(t, page, "ja")
	if got := b.submit(t, page, "username", "ada", "password", password); got.status != http.StatusSeeOther {
		t.Fatalf("sign-in = %d: %s", got.status, got.body)
	}
	speaks(t, b.get(t, "/consent?request="+id), "ja")

	h.wait(30 * time.Minute) // a later request, which began after the choice
	id = b.begin(t, "scope=openid+profile&redirect_uri=https://notes.example/cb&ui_locales=fr")
	speaks(t, b.get(t, "/consent?request="+id), "fr")
}

// TestLanguageOfTheAccount shows pages to a user with the claim locale.
func TestLanguageOfTheAccount(t *testing.T) {
	t.Parallel()
	h := newPageServer(t)
	if _, err := h.store.Accounts.ChangeAccount(t.Context(), "sub-ada", h.now(), func(a *account.Account) error { a.Claims["locale"] = "es-MX"; return nil }); err != nil {
		t.Fatal(err)
	}
	b := h.browser(t)
	id := b.signIn(t, "ada")
	for _, path := range []string{"/consent?request=" + id, "/login?request=" + b.begin(t, "scope=openid&prompt=select_account")} {
		if got := b.get(t, path); !strings.Contains(got.body, `<html lang="es"`) {
			t.Errorf("%s = %d, not in Spanish: %.300s", path, got.status, got.body)
		}
	}
}

func TestChooseLanguage(t *testing.T) {
	t.Parallel()
	h := newPageServer(t)
	for name, tc := range map[string]struct {
		language, back string
		status         int
		location       string
	}{
		"a page of ours":      {"de", "/login?request=r", http.StatusSeeOther, "/login?request=r"},
		"another host":        {"de", "//evil.example/", http.StatusSeeOther, "/"},
		"a backslash":         {"de", `/\evil.example/`, http.StatusSeeOther, "/"},
		"another address":     {"de", "https://evil.example/", http.StatusSeeOther, "/"},
		"a script":            {"de", "javascript:alert(1)", http.StatusSeeOther, "/"},
		"a line break":        {"de", "/x\r\nSet-Cookie: a=b", http.StatusSeeOther, "/"},
		"no page":             {"de", "", http.StatusSeeOther, "/"},
		"an unknown language": {"xx", "/", http.StatusBadRequest, ""},
		"no language":         {"", "/", http.StatusBadRequest, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := h.browser(t)
			got := b.post(t, "/language", url.Values{"language": {tc.language}, "return": {tc.back}})
			if got.status != tc.status || got.location != tc.location {
				t.Errorf("answer = %d to %q, want %d to %q", got.status, got.location, tc.status, tc.location)
			}
			cookie := got.header.Get("Set-Cookie")
			if tc.status != http.StatusSeeOther {
				if cookie != "" {
					t.Errorf("a refused choice sets %q", cookie)
				}
				return
			}
			for _, want := range []string{"__Host-ostiary_language=de.", "; Secure", "; HttpOnly", "; SameSite=Lax", "; Max-Age=34560000"} {
				if !strings.Contains(cookie, want) {
					t.Errorf("the cookie %q does not contain %q", cookie, want)
				}
			}
			if page := b.get(t, "/"); !strings.Contains(page.body, `<html lang="de"`) {
				t.Errorf("the next page is not in German: %.300s", page.body)
			}
		})
	}
}
