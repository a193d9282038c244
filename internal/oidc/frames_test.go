package oidc

import (
	"html"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/client"
)

// Pages of clients that took part are loaded with issuer and session before the
// person goes on; those of others are not.
func TestClientsInTheBrowserHearOfTheSignOut(t *testing.T) {
	t.Parallel()

	r := newRig(t)
	r.client(t, "framed", client.Metadata{
		RedirectURIs: []string{"https://framed.example/cb"}, PostLogoutRedirectURIs: []string{"https://framed.example/bye"},
		FrontchannelLogoutURI: "https://framed.example/out?a=%62",
	})
	r.client(t, "absent", client.Metadata{
		RedirectURIs: []string{"https://absent.example/cb"}, FrontchannelLogoutURI: "https://absent.example/out",
	})
	l := r.logout(t)
	for name, tc := range map[string]struct {
		values url.Values
		next   string
	}{
		"and goes back": {url.Values{"post_logout_redirect_uri": {"https://shop.example/bye"}, "state": {"a b"}}, "https://shop.example/bye?state=a+b"},
		"and stays":     {nil, ""},
	} {
		s, cookie := r.signIn(t)
		for _, id := range []string{"shop", "framed"} {
			if err := r.store.JoinSession(t.Context(), s.ID, id, "", r.now); err != nil {
				t.Fatal(err)
			}
		}
		values := url.Values{"id_token_hint": {r.sign(t, "JWT", r.idToken(s, nil))}}
		maps.Copy(values, tc.values)
		w := visit(t, l, http.MethodGet, values, cookie)
		body := w.Body.String()
		frame := `<iframe src="https://framed.example/out?a=%62&amp;iss=` + url.QueryEscape(issuer) + "&amp;sid=" + s.ID + `"`
		if w.Code != http.StatusOK || !strings.Contains(body, frame) || strings.Count(body, "<iframe") != 1 {
			t.Errorf("%s: %d, want one frame %s\n%s", name, w.Code, frame, body)
		}
		if got := strings.Contains(body, `id="continue"`); got != (tc.next != "") || !strings.Contains(html.UnescapeString(body), tc.next) {
			t.Errorf("%s: the page leads on: %v, want %q", name, got, tc.next)
		}
		if !r.ended(t, cookie) || !strings.Contains(body, "signed out") {
			t.Errorf("%s: the session ended: %v", name, r.ended(t, cookie))
		}
		again := visit(t, l, http.MethodGet, values, cookie)
		if strings.Contains(again.Body.String(), "<iframe") {
			t.Errorf("%s: a sign-out that was over told the clients again", name)
		}
	}
}

// A client that knows sessions under names of its own brings such a name back.
func TestAHintNamesTheSessionAsItsClientDoes(t *testing.T) {
	t.Parallel()

	r := newRig(t)
	r.client(t, "sector", client.Metadata{RedirectURIs: []string{"https://sector.example/cb"}, SubjectType: client.Pairwise})
	sector, err := r.store.Client(t.Context(), "sector")
	if err != nil {
		t.Fatal(err)
	}
	l := r.logout(t)
	l.Subjects.Salt = []byte("salt")
	for want, name := range map[string]func(sid string) string{
		says: func(sid string) string { return l.Subjects.Session(sector, sid) },
		asks: func(sid string) string { return sid }, // nobody told the client that
	} {
		s, cookie := r.signIn(t)
		hint := r.sign(t, "JWT", r.idToken(s, map[string]any{"aud": "sector", "sub": l.Subjects.Of(sector, s.Subject), "sid": name(s.ID)}))
		if got := outcome(visit(t, l, http.MethodGet, url.Values{"id_token_hint": {hint}}, cookie)); got != want {
			t.Errorf("a hint about %s: %s, want %s", name(s.ID), got, want)
		}
	}
}

// And it hears of the session under a name of its own, by which two clients do not
// find out that their people are the same.
func TestAFrameNamesTheSessionAsItsClientKnowsIt(t *testing.T) {
	t.Parallel()

	r := newRig(t)
	l := r.logout(t)
	l.Subjects.Salt = []byte("salt")
	for _, id := range []string{"one", "two"} {
		r.client(t, id, client.Metadata{
			SubjectType: client.Pairwise, RedirectURIs: []string{"https://" + id + ".example/cb"}, FrontchannelLogoutURI: "https://" + id + ".example/out",
		})
	}
	s, cookie := r.signIn(t)
	for _, id := range []string{"one", "two"} {
		if err := r.store.JoinSession(t.Context(), s.ID, id, "", r.now); err != nil {
			t.Fatal(err)
		}
	}
	body := visit(t, l, http.MethodGet, url.Values{"id_token_hint": {r.sign(t, "JWT", r.idToken(s, nil))}}, cookie).Body.String()
	for _, id := range []string{"one", "two"} {
		c, err := r.store.Client(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if sid := l.Subjects.Session(c, s.ID); sid == s.ID || !strings.Contains(body, "https://"+id+".example/out?iss="+url.QueryEscape(issuer)+"&amp;sid="+sid+`"`) {
			t.Errorf("no frame tells %s of the session as %s:\n%s", id, sid, body)
		}
	}
	if strings.Contains(body, s.ID) {
		t.Error("the page names the session as all know it")
	}
}
