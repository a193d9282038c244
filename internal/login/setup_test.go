package login

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/credential"
)

// link makes a set-up link and returns its token.
func (h *pageServer) link(t *testing.T, token string) string {
	t.Helper()
	if err := h.store.SetupLinks.InsertSetupLink(t.Context(), hashLink(token), h.now().Add(30*time.Minute)); err != nil {
		t.Fatal(err)
	}
	return token
}

func TestSetupCreatesOneAdministrator(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	path := "/setup?token=" + h.link(t, "tok")
	spare := h.link(t, "spare")
	page := b.get(t, path)
	expect(t, page, http.StatusOK, "Set up the first administrator")
	fields := []string{"username", " Root ", "password", password, "repeat", password}
	expect(t, b.submit(t, page, fields...), http.StatusOK, "root")

	a, err := h.store.Accounts.AccountByUsername(t.Context(), "root")
	if err != nil {
		t.Fatal(err)
	}
	if a.AdminRole != account.Owner || a.Claims["preferred_username"] != "root" || len(a.Subject) != 26 {
		t.Errorf("account = %+v", a)
	}
	b.signIn(t, "root")

	for name, got := range map[string]answer{
		"the page again":     b.get(t, path),
		"the form again":     b.submit(t, page, fields...),
		"another link":       b.get(t, "/setup?token="+spare),
		"another link, used": b.post(t, "/setup", url.Values{"token": {spare}, "username": {"evil"}, "password": {password}, "repeat": {password}}),
	} {
		if got.status != http.StatusGone || !strings.Contains(got.body, "has expired") {
			t.Errorf("%s = %d %s", name, got.status, got.body)
		}
	}
}

func TestSetupLinksExpire(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	expect(t, b.get(t, "/setup"), http.StatusGone, "has expired")
	expect(t, b.get(t, "/setup?token=unknown"), http.StatusGone, "has expired")
	path := "/setup?token=" + h.link(t, "tok")
	page := b.get(t, path)
	h.wait(31 * time.Minute)
	expect(t, b.get(t, path), http.StatusGone, "has expired")
	expect(t, b.submit(t, page, "username", "root", "password", password, "repeat", password), http.StatusGone, "has expired")
}

func TestSetupReportsInvalidFields(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	page := b.get(t, "/setup?token="+h.link(t, "tok"))
	long := strings.Repeat("x", credential.MaxCharacters+1)
	for name, tc := range map[string]struct{ username, password, repeat, want string }{
		"no name":              {"", password, password, "1 to 128 characters"},
		"a name with a space":  {"a b", password, password, "without spaces"},
		"a short password":     {"root", "1234567", "1234567", "at least 15 characters"},
		"a weak password":      {"root", "aaaabbbbccccdddd", "aaaabbbbccccdddd", "repeats characters"},
		"a password of names":  {"administrator", "administrator-1", "administrator-1", "made of your name"},
		"a long password":      {"root", long, long, "at most 128 characters"},
		"two passwords":        {"root", password, password + "x", "do not match"},
		"a name that is taken": {"Ada", password, password, "Choose another one"},
	} {
		got := b.submit(t, page, "username", tc.username, "password", tc.password, "repeat", tc.repeat)
		expect(t, got, http.StatusBadRequest, tc.want)
		if !strings.Contains(got.body, `value="`+tc.username+`"`) || strings.Contains(got.body, tc.password) {
			t.Errorf("%s: the form forgot the name or kept the password: %s", name, got.body)
		}
	}
	expect(t, b.submit(t, page, "username", "root", "password", password, "repeat", password), http.StatusOK, "root")
}

func TestConcurrentSetupCreatesOneAdministrator(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	token := h.link(t, "tok")
	var wg sync.WaitGroup
	var won, lost atomic.Int64
	for i := range 16 {
		wg.Go(func() {
			got := b.post(t, "/setup", url.Values{
				"token": {token}, "username": {"root" + string(rune('a'+i))}, "password": {password}, "repeat": {password},
			})
			switch got.status {
			case http.StatusOK:
				won.Add(1)
			case http.StatusGone:
				lost.Add(1)
			}
		})
	}
	wg.Wait()
	accounts, err := h.store.Accounts.ListAccounts(t.Context(), "", 100)
	if err != nil {
		t.Fatal(err)
	}
	if won.Load() != 1 || lost.Load() != 15 || len(accounts) != 3 {
		t.Errorf("of 16, %d won and %d lost; %d accounts, want 1, 15 and 3", won.Load(), lost.Load(), len(accounts))
	}
}
