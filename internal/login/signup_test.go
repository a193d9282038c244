package login

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/session"
)

// newcomer is a filled in sign-up form, changed by pairs of names and values.
func newcomer(changes ...string) url.Values {
	form := url.Values{
		"username": {"grace"}, "name": {"Grace Hopper"}, "email": {"grace@example.com"}, "password": {password}, "repeat": {password},
	}
	for i := 0; i+1 < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
	}
	return form
}

func TestSignUpCreatesAccountAndSignsIn(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	id := b.begin(t, "scope=openid&redirect_uri=https://notes.example/cb")
	expect(t, b.get(t, "/login?request="+id), http.StatusOK, h.URL+"/signup?request="+id)
	page := b.get(t, "/signup?request="+id)
	expect(t, page, http.StatusOK, "Create an account")
	for _, want := range []string{"Acme Notes", "notes.example", "/logo.png", "/policy", "/terms", h.URL + "/login?request=" + id} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	got := b.submit(t, page, "username", " \uff27race ", "name", " Grace\u202e  Hopper ", "email", " grace@example.com ",
		"password", password, "repeat", password, "remember", "on")
	if got.status != http.StatusSeeOther || got.location != h.back(id) {
		t.Fatalf("answer = %d to %q, want 303 to %q: %s", got.status, got.location, h.back(id), got.body)
	}
	a, err := h.store.Accounts.AccountByUsername(t.Context(), "grace")
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Claims) != 4 || a.Claims["preferred_username"] != "grace" || a.Claims["name"] != "Grace Hopper" ||
		a.Claims["email"] != "grace@example.com" || a.Claims["email_verified"] != false || a.AdminRole != account.NoAdminRole ||
		len(a.Addresses) != 1 || a.Addresses[0] != (account.Address{Address: "grace@example.com", Primary: true}) {
		t.Errorf("account = %+v", a)
	}
	s, _ := b.session(t)
	if s.Subject != a.Subject || s.ACR != session.LevelOneFactor || !s.Remembered {
		t.Errorf("session = %+v", s)
	}
	if r := h.request(t, id); r.SessionID != s.ID || !r.SignedInAt.Equal(h.now().Truncate(time.Microsecond)) {
		t.Errorf("request notes session %q at %v, want %q", r.SessionID, r.SignedInAt, s.ID)
	}
	h.browser(t).signIn(t, "grace")

	other := h.browser(t)
	id = other.begin(t, "scope=openid")
	other.submit(t, other.get(t, "/signup?request="+id), "username", "anon", "password", password, "repeat", password)
	if a, err := h.store.Accounts.AccountByUsername(t.Context(), "anon"); err != nil || len(a.Claims) != 1 {
		t.Errorf("an account of a user name alone = %+v, %v", a, err)
	}
}

func TestSignUpReplacesTheSessionOfAnotherUser(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	b.signIn(t, "ada")
	before, cookie := sessionOf(t, b)
	id := b.begin(t, "scope=openid&prompt=create")
	page := b.get(t, "/signup?request="+id)
	expect(t, page, http.StatusOK, "Create an account")
	// A signed-in user need not authenticate.
	expect(t, b.get(t, "/login?request="+id), http.StatusOK, choose)
	b.submit(t, page, "username", "grace", "password", password, "repeat", password)
	after, _ := sessionOf(t, b)
	if after.ID == before.ID || after.Username != "grace" {
		t.Errorf("session %q of %s after %q", after.ID, after.Username, before.ID)
	}
	_, _, err := h.store.Sessions.SessionAndConsent(t.Context(), session.Hash(cookie), clientID, h.now())
	if !errors.Is(err, session.ErrNotFound) {
		t.Errorf("the session before: %v", err)
	}
}

func TestSignUpReportsInvalidFields(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	id := b.begin(t, "scope=openid")
	page := b.get(t, "/signup?request="+id)
	long := strings.Repeat("x", credential.MaxCharacters+1)
	for name, tc := range map[string]struct {
		form        url.Values
		field, want string
	}{
		"no name":              {newcomer("username", ""), "username", "1 to 128 characters"},
		"a name with a space":  {newcomer("username", "a b"), "username", "without spaces"},
		"a name like another":  {newcomer("username", "ada\u034f"), "username", "hidden characters"},
		"a name too long":      {newcomer("username", strings.Repeat("a", 129)), "username", "1 to 128 characters"},
		"a name that is taken": {newcomer("username", "\uff21DA"), "username", "already taken"},
		"a display name":       {newcomer("name", strings.Repeat("a", 129)), "name", "128 characters"},
		"an email address":     {newcomer("email", "grace"), "email", "Invalid email address"},
		"a short password":     {newcomer("password", "fourteen-chars", "repeat", "fourteen-chars"), "password", "at least 15 characters"},
		"a weak password":      {newcomer("password", "qwertyuiopasdfghjkl", "repeat", "qwertyuiopasdfghjkl"), "password", "keys of a keyboard"},
		"a password of names":  {newcomer("password", "GraceHopper-123", "repeat", "GraceHopper-123"), "password", "made of your name"},
		"a long password":      {newcomer("password", long, "repeat", long), "password", "at most 128 characters"},
		"two passwords":        {newcomer("repeat", password+"x"), "password", "do not match"},
		"one password":         {newcomer("repeat", ""), "password", "do not match"},
	} {
		var fields []string
		for field, values := range tc.form {
			fields = append(fields, field, values[0])
		}
		got := b.submit(t, page, append(fields, "remember", "on")...)
		expect(t, got, http.StatusBadRequest, tc.want)
		expect(t, got, http.StatusBadRequest, " checked")
		for _, field := range []string{"username", "name", "email"} {
			if !strings.Contains(got.body, `value="`+tc.form.Get(field)+`"`) {
				t.Errorf("%s: the form forgot %s", name, field)
			}
		}
		if strings.Contains(got.body, tc.form.Get("password")) || got.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: the form kept the password, or set a cookie: %s", name, got.body)
		}
		if marked := input(got.body, tc.field); !strings.Contains(marked, `aria-invalid="true"`) || !strings.Contains(marked, "autofocus") {
			t.Errorf("%s: the field is not marked: %s", name, marked)
		}
	}
	b.get(t, "/signup?request="+id+"&decision=cancel")
	if got := b.submit(t, page, "decision", "cancel"); got.location != h.back(id) || h.request(t, id).Decision != "denied" {
		t.Errorf("cancelled: to %q, decision %q", got.location, h.request(t, id).Decision)
	}
	if _, err := h.store.Accounts.AccountByUsername(t.Context(), "grace"); !errors.Is(err, account.ErrNotFound) {
		t.Errorf("an account was made: %v", err)
	}
}

// input returns what follows the name of a field in its tag.
func input(page, field string) string {
	_, after, _ := strings.Cut(page, `name="`+field+`"`)
	tag, _, _ := strings.Cut(after, ">")
	return tag
}

func TestSignUpPrefillsFromLoginHint(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	for hint, field := range map[string]string{"grace": "username", "grace@example.com": "email", "+49 30 1": "username"} {
		page := b.get(t, "/signup?request="+b.begin(t, url.Values{"login_hint": {hint}}.Encode()))
		if at := input(page.body, field); !strings.Contains(at, `value="`+strings.ReplaceAll(hint, "+", "&#43;")+`"`) {
			t.Errorf("hint %q is not in %s: %s", hint, field, at)
		}
	}
}

// Sign-ups are counted before the username is looked up. Invalid forms are not counted.
func TestSignUpIsRateLimited(t *testing.T) {
	t.Parallel()

	h := newPageServer(t)
	b := h.browser(t)
	id := b.begin(t, "scope=openid")
	for range 20 {
		expect(t, b.post(t, "/signup", newcomer("request", id, "repeat", "")), http.StatusBadRequest, "do not match")
	}
	for i := range 10 {
		form, status := newcomer("request", id), http.StatusBadRequest
		form.Set("username", "ada")
		if i%2 == 0 {
			form.Set("username", "grace"+strconv.Itoa(i))
			status = http.StatusSeeOther
		}
		if got := b.post(t, "/signup", form); got.status != status {
			t.Fatalf("sign-up %d = %d, want %d: %s", i+1, got.status, status, got.body)
		}
	}
	for _, username := range []string{"ada", "grace11"} {
		got := b.post(t, "/signup", newcomer("request", id, "username", username))
		expect(t, got, http.StatusTooManyRequests, "Too many accounts")
		if seconds, err := strconv.Atoi(got.header.Get("Retry-After")); err != nil || seconds < 3500 || seconds > 3600 {
			t.Errorf("Retry-After = %q, want an hour", got.header.Get("Retry-After"))
		}
	}
	b.signIn(t, "ada") // signing in is another matter
	h.wait(time.Hour)
	id = b.begin(t, "scope=openid")
	if got := b.post(t, "/signup", newcomer("request", id)); got.status != http.StatusSeeOther {
		t.Errorf("an hour later = %d, want 303", got.status)
	}
}
