package oidc

import (
	"context"
	"errors"
	"html"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/session"
)

func ticketOf(t *testing.T, w *httptest.ResponseRecorder) url.Values {
	t.Helper()
	found := regexp.MustCompile(`name="ticket" value="([^"]*)"`).FindStringSubmatch(w.Body.String())
	if found == nil || !strings.Contains(w.Body.String(), `action="`+issuer+path+`"`) {
		t.Fatalf("no form with a ticket in %d %s", w.Code, w.Body)
	}
	return url.Values{"ticket": {html.UnescapeString(found[1])}}
}

var goodbye = url.Values{"client_id": {"shop"}, "post_logout_redirect_uri": {"https://shop.example/bye"}, "state": {"a&b"}}

func TestConfirmingEndsTheSessionThatWasAskedAbout(t *testing.T) {
	t.Parallel()

	r := newRig(t)
	l := r.logout(t)
	_, cookie := r.signIn(t)
	page := visit(t, l, "GET", goodbye, cookie)
	if !strings.Contains(page.Body.String(), "Shop") || !strings.Contains(page.Body.String(), "ada") {
		t.Errorf("the page names neither who asks nor who is signed in:\n%s", page.Body)
	}
	answer := ticketOf(t, page)
	if got := outcome(visit(t, l, "GET", answer, cookie)); got != asks || r.ended(t, cookie) {
		t.Errorf("a ticket in a link: %s, session ended = %v; want to be asked", got, r.ended(t, cookie))
	}
	if got := outcome(visit(t, l, "POST", answer, cookie)); got != "https://shop.example/bye?state=a%26b" || !r.ended(t, cookie) {
		t.Errorf("confirmed: %s, session ended = %v", got, r.ended(t, cookie))
	}
	for _, late := range []string{cookie, ""} {
		if got := outcome(visit(t, l, "POST", answer, late)); got != "https://shop.example/bye?state=a%26b" {
			t.Errorf("confirmed twice: %s, want the same way back", got)
		}
	}
}

func TestATicketIsOfNoUseInAnotherSession(t *testing.T) {
	t.Parallel()

	r := newRig(t)
	l := r.logout(t)
	_, theirs := r.signIn(t)
	_, mine := r.signIn(t)
	answer := ticketOf(t, visit(t, l, "GET", goodbye, mine))
	if got := outcome(visit(t, l, "POST", answer, theirs)); got != asks || r.ended(t, theirs) || r.ended(t, mine) {
		t.Errorf("answer = %s, ended %v and %v; want a question and no end", got, r.ended(t, theirs), r.ended(t, mine))
	}
}

func TestATicketIsMadeHereAndLastsAWhile(t *testing.T) {
	t.Parallel()

	r := newRig(t)
	l := r.logout(t)
	_, cookie := r.signIn(t)
	answer := ticketOf(t, visit(t, l, "GET", goodbye, cookie))
	body, tag, _ := strings.Cut(answer.Get("ticket"), ".")
	for name, forged := range map[string]string{
		"no tag": body, "no body": "." + tag, "another body": "e30." + tag, "a shorter tag": body + "." + tag[:len(tag)-2],
		"a break": body + "\n." + tag, "noise": "noise", "more": body + "." + tag + ".x",
	} {
		if got := outcome(visit(t, l, "POST", url.Values{"ticket": {forged}}, cookie)); got != errs || r.ended(t, cookie) {
			t.Errorf("%s: %s, session ended = %v; want %s and no end", name, got, r.ended(t, cookie), errs)
		}
	}
	other := r.logout(t)
	other.Keys = [][]byte{[]byte("another key that is as long as it")}
	if got := outcome(visit(t, other, "POST", answer, cookie)); got != errs {
		t.Errorf("under another key: %s, want %s", got, errs)
	}
	r.now = r.now.Add(patience + time.Second)
	w := visit(t, l, "POST", answer, cookie)
	if got := outcome(w); got != errs || !strings.Contains(w.Body.String(), "expired") || r.ended(t, cookie) {
		t.Errorf("too late: %s, want %s that says so", got, errs)
	}
}

func TestATicketGivesNoMoreThanTheClientStillMay(t *testing.T) {
	t.Parallel()

	for name, change := range map[string]func(t *testing.T, r *rig){
		"the client is gone": func(t *testing.T, r *rig) {
			t.Helper()
			if err := r.store.DeleteClient(t.Context(), "shop"); err != nil {
				t.Fatal(err)
			}
		},
		"the URI is gone": func(t *testing.T, r *rig) {
			t.Helper()
			alter(t, r, func(c *client.Client) { c.PostLogoutRedirectURIs = nil })
		},
		"the client is disabled": func(t *testing.T, r *rig) {
			t.Helper()
			alter(t, r, func(c *client.Client) { c.Disabled = true })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			r := newRig(t)
			l := r.logout(t)
			_, cookie := r.signIn(t)
			answer := ticketOf(t, visit(t, l, "GET", goodbye, cookie))
			change(t, r)
			if got := outcome(visit(t, l, "POST", answer, cookie)); got != says || !r.ended(t, cookie) {
				t.Errorf("answer = %s, session ended = %v; want %s and its end", got, r.ended(t, cookie), says)
			}
		})
	}
}

func alter(t *testing.T, r *rig, change func(*client.Client)) {
	t.Helper()
	c, err := r.store.Client(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	change(c)
	if err := r.store.UpdateClient(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// down is a store whose database is gone.
type down struct{}

func (down) SessionAndConsent(context.Context, []byte, string, time.Time) (*session.Session, *consent.Consent, error) {
	return nil, nil, outage{errors.New("connection refused")}
}

func (down) End(context.Context, string) ([]string, error) {
	return nil, outage{errors.New("connection refused")}
}

func TestALostDatabaseSignsNobodyOut(t *testing.T) {
	t.Parallel()

	r := newRig(t)
	l := r.logout(t)
	s, cookie := r.signIn(t)
	l.Sessions, l.Manager = down{}, down{}
	values := url.Values{"id_token_hint": {r.sign(t, "JWT", r.idToken(s, nil))}, "post_logout_redirect_uri": {"https://shop.example/bye"}}
	w := visit(t, l, "GET", values, cookie)
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || w.Header().Get("Location") != "" || w.Header().Get("Set-Cookie") != "" {
		t.Errorf("answer = %d %v, want 503 with Retry-After, and nothing else done", w.Code, w.Header())
	}
}
