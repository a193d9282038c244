package logout

import (
	"html"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/oidc/oidctest"
)

// Pages of clients that participate in the session are loaded with iss and sid before the
// user continues; pages of other clients are not.
func TestFrontChannelLogoutLoadsTheClientsOfTheSession(t *testing.T) {
	t.Parallel()

	r := oidctest.New(t)
	r.AddClient(t, "framed", client.Metadata{
		RedirectURIs: []string{"https://framed.example/cb"}, PostLogoutRedirectURIs: []string{"https://framed.example/bye"},
		FrontchannelLogoutURI: "https://framed.example/out?a=%62",
	})
	r.AddClient(t, "absent", client.Metadata{
		RedirectURIs: []string{"https://absent.example/cb"}, FrontchannelLogoutURI: "https://absent.example/out",
	})
	l := newHandler(t, r)
	for name, tc := range map[string]struct {
		values url.Values
		next   string
	}{
		"and goes back": {url.Values{"post_logout_redirect_uri": {"https://shop.example/bye"}, "state": {"a b"}}, "https://shop.example/bye?state=a+b"},
		"and stays":     {nil, ""},
	} {
		s, cookie := r.SignIn(t)
		for _, id := range []string{"shop", "framed"} {
			if err := r.Store.Sessions.JoinSession(t.Context(), s.ID, id, "", r.Now); err != nil {
				t.Fatal(err)
			}
		}
		values := url.Values{"id_token_hint": {r.Sign(t, "JWT", idToken(r, s, nil))}}
		maps.Copy(values, tc.values)
		w := visit(t, l, http.MethodGet, values, cookie)
		body := w.Body.String()
		frame := `<iframe src="https://framed.example/out?a=%62&amp;iss=` + url.QueryEscape(oidctest.Issuer) + "&amp;sid=" + s.ID + `"`
		if w.Code != http.StatusOK || !strings.Contains(body, frame) || strings.Count(body, "<iframe") != 1 {
			t.Errorf("%s: %d, want one frame %s\n%s", name, w.Code, frame, body)
		}
		if got := strings.Contains(body, `id="continue"`); got != (tc.next != "") || !strings.Contains(html.UnescapeString(body), tc.next) {
			t.Errorf("%s: the page leads on: %v, want %q", name, got, tc.next)
		}
		if !ended(t, r, cookie) || !strings.Contains(body, "signed out") {
			t.Errorf("%s: the session ended: %v", name, ended(t, r, cookie))
		}
		again := visit(t, l, http.MethodGet, values, cookie)
		if strings.Contains(again.Body.String(), "<iframe") {
			t.Errorf("%s: a sign-out that was over told the clients again", name)
		}
	}
}

// A pairwise client has its own session ids and sends one back in its hint.
func TestAHintHasTheSectorSessionID(t *testing.T) {
	t.Parallel()

	r := oidctest.New(t)
	r.AddClient(t, "sector", client.Metadata{RedirectURIs: []string{"https://sector.example/cb"}, SubjectType: client.Pairwise})
	sector, err := r.Store.Clients.Client(t.Context(), "sector")
	if err != nil {
		t.Fatal(err)
	}
	l := newHandler(t, r)
	l.Subjects.Salt = []byte("salt")
	for want, name := range map[string]func(sid string) string{
		signedOutPage:    func(sid string) string { return l.Subjects.Session(sector, sid) },
		confirmationPage: func(sid string) string { return sid }, // the client never received this id
	} {
		s, cookie := r.SignIn(t)
		hint := r.Sign(t, "JWT", idToken(r, s, map[string]any{"aud": "sector", "sub": l.Subjects.Of(sector, s.Subject), "sid": name(s.ID)}))
		if got := outcome(visit(t, l, http.MethodGet, url.Values{"id_token_hint": {hint}}, cookie)); got != want {
			t.Errorf("a hint about %s: %s, want %s", name(s.ID), got, want)
		}
	}
}

// Front-channel logout uses the session id of the client, so that two clients cannot
// correlate users.
func TestAFrontChannelURLHasTheSectorSessionID(t *testing.T) {
	t.Parallel()

	r := oidctest.New(t)
	l := newHandler(t, r)
	l.Subjects.Salt = []byte("salt")
	for _, id := range []string{"one", "two"} {
		r.AddClient(t, id, client.Metadata{
			SubjectType: client.Pairwise, RedirectURIs: []string{"https://" + id + ".example/cb"}, FrontchannelLogoutURI: "https://" + id + ".example/out",
		})
	}
	s, cookie := r.SignIn(t)
	for _, id := range []string{"one", "two"} {
		if err := r.Store.Sessions.JoinSession(t.Context(), s.ID, id, "", r.Now); err != nil {
			t.Fatal(err)
		}
	}
	body := visit(t, l, http.MethodGet, url.Values{"id_token_hint": {r.Sign(t, "JWT", idToken(r, s, nil))}}, cookie).Body.String()
	for _, id := range []string{"one", "two"} {
		c, err := r.Store.Clients.Client(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if sid := l.Subjects.Session(c, s.ID); sid == s.ID || !strings.Contains(body, "https://"+id+".example/out?iss="+url.QueryEscape(oidctest.Issuer)+"&amp;sid="+sid+`"`) {
			t.Errorf("no frame tells %s of the session as %s:\n%s", id, sid, body)
		}
	}
	if strings.Contains(body, s.ID) {
		t.Error("the page contains the internal session id")
	}
}
