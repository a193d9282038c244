package logout

import (
	"context"
	"html"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/oidc/oidctest"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/unavailable"
)

func ticketOf(t *testing.T, w *httptest.ResponseRecorder) url.Values {
	t.Helper()
	found := regexp.MustCompile(`name="ticket" value="([^"]*)"`).FindStringSubmatch(w.Body.String())
	if found == nil || !strings.Contains(w.Body.String(), `action="`+oidctest.Issuer+path+`"`) {
		t.Fatalf("no form with a ticket in %d %s", w.Code, w.Body)
	}
	return url.Values{"ticket": {html.UnescapeString(found[1])}}
}

var goodbye = url.Values{"client_id": {"shop"}, "post_logout_redirect_uri": {"https://shop.example/bye"}, "state": {"a&b"}}

func TestAConfirmationEndsItsSession(t *testing.T) {
	t.Parallel()

	r := oidctest.New(t)
	l := newHandler(t, r)
	_, cookie := r.SignIn(t)
	page := visit(t, l, "GET", goodbye, cookie)
	if !strings.Contains(page.Body.String(), "Shop") || !strings.Contains(page.Body.String(), "ada") {
		t.Errorf("the page names neither the client nor the user:\n%s", page.Body)
	}
	answer := ticketOf(t, page)
	if got := outcome(visit(t, l, "GET", answer, cookie)); got != confirmationPage || ended(t, r, cookie) {
		t.Errorf("a ticket in a link: %s, session ended = %v; want to be asked", got, ended(t, r, cookie))
	}
	if got := outcome(visit(t, l, "POST", answer, cookie)); got != "https://shop.example/bye?state=a%26b" || !ended(t, r, cookie) {
		t.Errorf("confirmed: %s, session ended = %v", got, ended(t, r, cookie))
	}
	for _, late := range []string{cookie, ""} {
		if got := outcome(visit(t, l, "POST", answer, late)); got != "https://shop.example/bye?state=a%26b" {
			t.Errorf("confirmed twice: %s, want the same redirect", got)
		}
	}
}

func TestAConfirmationIsInvalidInAnotherSession(t *testing.T) {
	t.Parallel()

	r := oidctest.New(t)
	l := newHandler(t, r)
	_, theirs := r.SignIn(t)
	_, mine := r.SignIn(t)
	answer := ticketOf(t, visit(t, l, "GET", goodbye, mine))
	if got := outcome(visit(t, l, "POST", answer, theirs)); got != confirmationPage || ended(t, r, theirs) || ended(t, r, mine) {
		t.Errorf("answer = %s, ended %v and %v; want a question and no end", got, ended(t, r, theirs), ended(t, r, mine))
	}
}

func TestForgedAndExpiredConfirmationsAreRejected(t *testing.T) {
	t.Parallel()

	r := oidctest.New(t)
	l := newHandler(t, r)
	_, cookie := r.SignIn(t)
	answer := ticketOf(t, visit(t, l, "GET", goodbye, cookie))
	body, tag, _ := strings.Cut(answer.Get("ticket"), ".")
	for name, forged := range map[string]string{
		"no tag": body, "no body": "." + tag, "another body": "e30." + tag, "a shorter tag": body + "." + tag[:len(tag)-2],
		"a break": body + "\n." + tag, "noise": "noise", "more": body + "." + tag + ".x",
	} {
		if got := outcome(visit(t, l, "POST", url.Values{"ticket": {forged}}, cookie)); got != errorPage || ended(t, r, cookie) {
			t.Errorf("%s: %s, session ended = %v; want %s and no end", name, got, ended(t, r, cookie), errorPage)
		}
	}
	other := newHandler(t, r)
	other.Keys = [][]byte{[]byte("another key that is as long as it")}
	if got := outcome(visit(t, other, "POST", answer, cookie)); got != errorPage {
		t.Errorf("under another key: %s, want %s", got, errorPage)
	}
	r.Now = r.Now.Add(confirmationLifetime + time.Second)
	w := visit(t, l, "POST", answer, cookie)
	if got := outcome(w); got != errorPage || !strings.Contains(w.Body.String(), "expired") || ended(t, r, cookie) {
		t.Errorf("too late: %s, want %s that mentions it", got, errorPage)
	}
}

func TestAConfirmationChecksTheClientAgain(t *testing.T) {
	t.Parallel()

	for name, change := range map[string]func(t *testing.T, r *oidctest.Fixture){
		"the client is gone": func(t *testing.T, r *oidctest.Fixture) {
			t.Helper()
			if err := r.Store.Clients.DeleteClient(t.Context(), "shop"); err != nil {
				t.Fatal(err)
			}
		},
		"the URI is gone": func(t *testing.T, r *oidctest.Fixture) {
			t.Helper()
			alter(t, r, func(c *client.Client) { c.PostLogoutRedirectURIs = nil })
		},
		"the client is disabled": func(t *testing.T, r *oidctest.Fixture) {
			t.Helper()
			alter(t, r, func(c *client.Client) { c.Disabled = true })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			r := oidctest.New(t)
			l := newHandler(t, r)
			_, cookie := r.SignIn(t)
			answer := ticketOf(t, visit(t, l, "GET", goodbye, cookie))
			change(t, r)
			if got := outcome(visit(t, l, "POST", answer, cookie)); got != signedOutPage || !ended(t, r, cookie) {
				t.Errorf("answer = %s, session ended = %v; want %s and its end", got, ended(t, r, cookie), signedOutPage)
			}
		})
	}
}

func alter(t *testing.T, r *oidctest.Fixture, change func(*client.Client)) {
	t.Helper()
	c, err := r.Store.Clients.Client(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	change(c)
	if err := r.Store.Clients.UpdateClient(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// down is a store without a database.
type down struct{}

func (down) SessionAndConsent(context.Context, []byte, string, time.Time) (*session.Session, *consent.Consent, error) {
	return nil, nil, unavailable.New("connection refused")
}

func (down) End(context.Context, string) ([]string, error) {
	return nil, unavailable.New("connection refused")
}

func TestALostDatabaseEndsNoSession(t *testing.T) {
	t.Parallel()

	r := oidctest.New(t)
	l := newHandler(t, r)
	s, cookie := r.SignIn(t)
	l.Sessions, l.Manager = down{}, down{}
	values := url.Values{"id_token_hint": {r.Sign(t, "JWT", idToken(r, s, nil))}, "post_logout_redirect_uri": {"https://shop.example/bye"}}
	w := visit(t, l, "GET", values, cookie)
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || w.Header().Get("Location") != "" || w.Header().Get("Set-Cookie") != "" {
		t.Errorf("answer = %d %v, want 503 with Retry-After, and nothing else done", w.Code, w.Header())
	}
}
