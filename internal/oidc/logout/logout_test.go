package logout

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/oidc/oidctest"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/session"
)

const path = "/oauth2/sessions/logout"

func newHandler(t *testing.T, r *oidctest.Fixture) *Handler {
	t.Helper()
	pages, err := pages.New(pages.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &Handler{
		MaxRedirectURL: 16 << 10,
		Issuer:         oidctest.Issuer, Path: path, Keys: [][]byte{[]byte("a key of enough bytes for a MAC")}, Verifier: r.Keys, Clients: r.Store.Clients,
		Sessions: r.Store.Sessions, Manager: &session.Manager{Store: r.Store.Sessions, Ended: func() {}, Now: func() time.Time { return r.Now }}, Browser: session.Cookies{}, Pages: pages, Now: func() time.Time { return r.Now }, Log: r.Logger(),
	}
}

// idToken returns the claims of an ID token, with changes; nil removes a claim.
func idToken(r *oidctest.Fixture, s *session.Session, changes map[string]any) map[string]any {
	claims := map[string]any{
		"iss": oidctest.Issuer, "sub": s.Subject, "aud": "shop", "sid": s.ID,
		"iat": r.Now.Unix() - 9000, "exp": r.Now.Unix() - 5400, // expired, as hints are
	}
	for name, value := range changes {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	return claims
}

func visit(t *testing.T, l *Handler, method string, values url.Values, cookie string) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequest(method, path+"?"+values.Encode(), nil)
	if method == http.MethodPost {
		req = httptest.NewRequest(method, path, strings.NewReader(values.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if cookie != "" {
		kept := httptest.NewRecorder()
		session.Cookies{}.SetSession(kept, cookie, &session.Session{})
		for _, c := range kept.Result().Cookies() {
			req.AddCookie(c)
		}
	}
	if err := req.ParseForm(); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	l.ServeHTTP(w, req)
	return w
}

// ended reports whether the session of the cookie has ended.
func ended(t *testing.T, r *oidctest.Fixture, cookie string) bool {
	t.Helper()
	_, _, err := r.Store.Sessions.SessionAndConsent(t.Context(), session.Hash(cookie), "", r.Now)
	if err != nil && !errors.Is(err, session.ErrNotFound) {
		t.Fatal(err)
	}
	return err != nil
}

const (
	confirmationPage = "the confirmation page"
	signedOutPage    = "the signed-out page"
	errorPage        = "the error page"
)

// outcome names the page of a response, or returns its redirect.
func outcome(w *httptest.ResponseRecorder) string {
	body := w.Body.String()
	switch {
	case w.Code == http.StatusSeeOther:
		return w.Header().Get("Location")
	case w.Code == http.StatusOK && strings.Contains(body, `id="logout-confirm"`):
		return confirmationPage
	case w.Code == http.StatusOK && strings.Contains(strings.ToLower(body), "signed out"):
		return signedOutPage
	case w.Code == http.StatusBadRequest && strings.Contains(body, `id="error"`) && w.Header().Get("Location") == "":
		return errorPage
	}
	return fmt.Sprintf("%d %s", w.Code, body)
}

func TestLogoutDependsOnTheHint(t *testing.T) {
	t.Parallel()

	long := strings.Repeat("s", 128)
	odd := "a b&c=d#e+\"é%"
	for name, tc := range map[string]struct {
		hint   map[string]any // changes to the ID token; no hint if nil
		values url.Values
		want   string
		ends   bool
	}{
		"hint, URI and state": {
			map[string]any{},
			url.Values{"post_logout_redirect_uri": {"https://shop.example/bye"}, "state": {long}},
			"https://shop.example/bye?state=" + long, true,
		},
		"any state comes back as it was": {
			map[string]any{},
			url.Values{"post_logout_redirect_uri": {"https://shop.example/bye"}, "state": {odd}},
			"https://shop.example/bye?state=" + url.QueryEscape(odd), true,
		},
		"a registered query stays": {
			map[string]any{},
			url.Values{"post_logout_redirect_uri": {"https://shop.example/bye?a=%62"}, "state": {"s"}},
			"https://shop.example/bye?a=%62&state=s", true,
		},
		"no state, no state":       {map[string]any{}, url.Values{"post_logout_redirect_uri": {"https://shop.example/bye"}}, "https://shop.example/bye", true},
		"hint alone":               {map[string]any{}, nil, signedOutPage, true},
		"a name that an app chose": {map[string]any{"sub": "as-ada"}, nil, signedOutPage, true},
		"hint and state":           {map[string]any{}, url.Values{"state": {"s"}}, signedOutPage, true},
		"hint and its client":      {map[string]any{}, url.Values{"client_id": {"shop"}}, signedOutPage, true},
		"an audience of several, with azp": {
			map[string]any{"aud": []string{"other", "shop"}, "azp": "shop"},
			url.Values{"post_logout_redirect_uri": {"https://shop.example/bye"}},
			"https://shop.example/bye", true,
		},

		"nothing":                 {nil, nil, confirmationPage, false},
		"state alone":             {nil, url.Values{"state": {"s"}}, confirmationPage, false},
		"client and URI, no hint": {nil, url.Values{"client_id": {"shop"}, "post_logout_redirect_uri": {"https://shop.example/bye"}}, confirmationPage, false},
		"hint of another session": {map[string]any{"sid": "another"}, nil, confirmationPage, false},
		"hint of no session":      {map[string]any{"sid": nil}, nil, confirmationPage, false},

		"URI without a client":     {nil, url.Values{"post_logout_redirect_uri": {"https://shop.example/bye"}}, errorPage, false},
		"unregistered URI":         {map[string]any{}, url.Values{"post_logout_redirect_uri": {"https://evil.example"}}, errorPage, false},
		"registered URI and more":  {map[string]any{}, url.Values{"post_logout_redirect_uri": {"https://shop.example/bye?foo=bar"}}, errorPage, false},
		"URI of another client":    {map[string]any{}, url.Values{"post_logout_redirect_uri": {"https://other.example/bye"}}, errorPage, false},
		"a redirect URI":           {map[string]any{}, url.Values{"post_logout_redirect_uri": {"https://shop.example/cb"}}, errorPage, false},
		"client of another hint":   {map[string]any{}, url.Values{"client_id": {"other"}}, errorPage, false},
		"unknown client":           {nil, url.Values{"client_id": {"gone"}}, errorPage, false},
		"hint of another issuer":   {map[string]any{"iss": "https://id.example.evil"}, nil, errorPage, false},
		"hint for unknown client":  {map[string]any{"aud": "gone"}, nil, errorPage, false},
		"hint for several clients": {map[string]any{"aud": []string{"shop", "other"}}, nil, errorPage, false},
		"hint without an audience": {map[string]any{"aud": nil}, nil, errorPage, false},
		"hint with an invalid aud": {map[string]any{"aud": map[string]any{"shop": true}}, nil, errorPage, false},
		"hint without a subject":   {map[string]any{"sub": nil}, nil, errorPage, false},
		"hint that never expires":  {map[string]any{"exp": nil}, nil, errorPage, false}, // a signed userinfo response
		"hint without iat":         {map[string]any{"iat": nil}, nil, errorPage, false},
		"hint with an invalid exp": {map[string]any{"exp": "1e999"}, nil, errorPage, false},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			t.Run(name+" by "+method, func(t *testing.T) {
				t.Parallel()

				r := oidctest.New(t)
				l := newHandler(t, r)
				s, cookie := r.SignIn(t)
				values := url.Values{}
				maps.Copy(values, tc.values)
				if tc.hint != nil {
					values.Set("id_token_hint", r.Sign(t, "JWT", idToken(r, s, tc.hint)))
				}
				w := visit(t, l, method, values, cookie)
				if got := outcome(w); got != tc.want {
					t.Errorf("answer = %s, want %s", got, tc.want)
				}
				if got := ended(t, r, cookie); got != tc.ends {
					t.Errorf("session ended = %v, want %v", got, tc.ends)
				}
				if cleared := strings.Contains(w.Header().Get("Set-Cookie"), "Max-Age=0"); cleared != tc.ends {
					t.Errorf("cookie cleared = %v, want %v", cleared, tc.ends)
				}
				if w.Header().Get("Cache-Control") != "no-store" {
					t.Error("the answer may be cached")
				}
			})
		}
	}
}

func TestAHintWithAnInvalidSignatureIsRejected(t *testing.T) {
	t.Parallel()

	r := oidctest.New(t)
	l := newHandler(t, r)
	s, cookie := r.SignIn(t)
	claims := idToken(r, s, nil)
	good := r.Sign(t, "JWT", claims)
	parts := strings.Split(good, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))
	flipped := "A" + parts[2][1:]
	if flipped == parts[2] {
		flipped = "B" + parts[2][1:]
	}
	for name, hint := range map[string]string{
		"alg none":           none + "." + parts[1] + ".",
		"another signature":  parts[0] + "." + parts[1] + "." + flipped,
		"no signature":       parts[0] + "." + parts[1] + ".",
		"an access token":    r.Sign(t, "at+jwt", claims),
		"a logout token":     r.Sign(t, "logout+jwt", claims),
		"noise":              "noise",
		"a line break in it": good[:9] + "\n" + good[9:],
	} {
		values := url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://shop.example/bye"}}
		if got := outcome(visit(t, l, "GET", values, cookie)); got != errorPage || ended(t, r, cookie) {
			t.Errorf("%s: answer = %s, session ended = %v; want %s and no end", name, got, ended(t, r, cookie), errorPage)
		}
	}
	if got := outcome(visit(t, l, "GET", url.Values{"id_token_hint": {good}}, cookie)); got != signedOutPage {
		t.Errorf("the hint that they were made of: %s, want %s", got, signedOutPage)
	}
	if strings.Contains(r.Log.String(), parts[1]) {
		t.Errorf("the log holds a token:\n%s", &r.Log)
	}
}

// A hint with a deleted key continues like a request without one: with confirmation, and
// with a redirect if client_id is present.
func TestAHintOfADeletedKeyIsIgnored(t *testing.T) {
	t.Parallel()

	r, other := oidctest.New(t), oidctest.New(t)
	l := newHandler(t, r)
	s, cookie := r.SignIn(t)
	hint := other.Sign(t, "JWT", idToken(r, s, nil))
	bye := "https://shop.example/bye"
	for name, tc := range map[string]struct {
		values url.Values
		cookie string
		want   string
	}{
		"alone":                             {url.Values{}, cookie, confirmationPage},
		"with an address":                   {url.Values{"post_logout_redirect_uri": {bye}}, cookie, confirmationPage},
		"with an address, not signed in":    {url.Values{"post_logout_redirect_uri": {bye}}, "", signedOutPage},
		"with client and address":           {url.Values{"client_id": {"shop"}, "post_logout_redirect_uri": {bye}}, cookie, confirmationPage},
		"the same, not signed in":           {url.Values{"client_id": {"shop"}, "post_logout_redirect_uri": {bye}}, "", bye},
		"with a client and a wrong address": {url.Values{"client_id": {"shop"}, "post_logout_redirect_uri": {"https://evil.example/"}}, cookie, errorPage},
	} {
		tc.values.Set("id_token_hint", hint)
		if got := outcome(visit(t, l, "GET", tc.values, tc.cookie)); got != tc.want || ended(t, r, cookie) {
			t.Errorf("%s: %s, session ended = %v; want %s and no end", name, got, ended(t, r, cookie), tc.want)
		}
	}
}

// Any site can register a client, so a link alone never redirects to its URL.
func TestNoRedirectToASelfRegisteredClientWithoutASessionOrAClick(t *testing.T) {
	t.Parallel()

	r := oidctest.New(t)
	l := newHandler(t, r)
	s, cookie := r.SignIn(t)
	const bye = "https://self.example/bye"
	m := client.Metadata{RedirectURIs: []string{"https://self.example/cb"}, PostLogoutRedirectURIs: []string{bye}}
	if faults := m.Validate(client.Policy{}); len(faults) > 0 {
		t.Fatal(faults)
	}
	if err := r.Store.Clients.InsertClient(t.Context(), &client.Client{ID: "self", Metadata: m, Dynamic: true, CreatedAt: r.Now, UpdatedAt: r.Now}); err != nil {
		t.Fatal(err)
	}
	hint := r.Sign(t, "JWT", idToken(r, s, map[string]any{"aud": "self"}))
	for name, values := range map[string]url.Values{
		"by its id":   {"client_id": {"self"}, "post_logout_redirect_uri": {bye}, "state": {"s"}},
		"with a hint": {"id_token_hint": {hint}, "post_logout_redirect_uri": {bye}, "state": {"s"}},
	} {
		for browser, cookie := range map[string]string{"no cookie": "", "an unknown cookie": "x"} {
			w := visit(t, l, "GET", values, cookie)
			if got := outcome(w); got != signedOutPage || !strings.Contains(w.Body.String(), bye+"?state=s") {
				t.Errorf("%s, %s: %s, want %s with a link to the client", name, browser, got, signedOutPage)
			}
		}
	}
	w := visit(t, l, "GET", url.Values{"client_id": {"self"}, "post_logout_redirect_uri": {bye}}, cookie)
	ticket := regexp.MustCompile(`name="ticket" value="([^"]+)"`).FindStringSubmatch(w.Body.String())
	if ticket == nil {
		t.Fatalf("no confirmation: %s", w.Body)
	}
	if got := outcome(visit(t, l, "POST", url.Values{"ticket": {ticket[1]}}, "")); got != signedOutPage {
		t.Errorf("a confirmation of another browser, sent by another site: %s, want %s", got, signedOutPage)
	}
	if got := outcome(visit(t, l, "POST", url.Values{"ticket": {ticket[1]}}, cookie)); got != bye {
		t.Errorf("after a click: %s, want %s", got, bye)
	}
	s, cookie = r.SignIn(t)
	hint = r.Sign(t, "JWT", idToken(r, s, map[string]any{"aud": "self"}))
	values := url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {bye}}
	if got := outcome(visit(t, l, "GET", values, cookie)); got != bye || !ended(t, r, cookie) {
		t.Errorf("with the session that the hint is about: %s, want %s and its end", got, bye)
	}
}

func TestNoConfirmationWithoutASession(t *testing.T) {
	t.Parallel()

	r := oidctest.New(t)
	l := newHandler(t, r)
	s, cookie := r.SignIn(t)
	if _, err := r.Store.Sessions.EndSession(t.Context(), s.ID, r.Now); err != nil {
		t.Fatal(err)
	}
	hint := r.Sign(t, "JWT", idToken(r, s, nil))
	back := url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://shop.example/bye"}, "state": {"s"}}
	for name, cookie := range map[string]string{"no cookie": "", "an old cookie": cookie, "a made-up cookie": "x"} {
		if got := outcome(visit(t, l, "GET", back, cookie)); got != "https://shop.example/bye?state=s" {
			t.Errorf("%s: %s, want the redirect", name, got)
		}
		if got := outcome(visit(t, l, "GET", nil, cookie)); got != signedOutPage {
			t.Errorf("%s: %s, want %s", name, got, signedOutPage)
		}
	}
}

func TestACrossSitePOSTIsRedirectedToGET(t *testing.T) {
	t.Parallel()

	r := oidctest.New(t)
	l := newHandler(t, r)
	s, cookie := r.SignIn(t)
	hint := r.Sign(t, "JWT", idToken(r, s, nil))
	values := url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://shop.example/bye"}, "state": {"a b"}}
	carried := func(values url.Values) url.Values {
		t.Helper()
		target := outcome(visit(t, l, "POST", values, ""))
		u, err := url.Parse(target)
		if err != nil || !strings.HasPrefix(target, oidctest.Issuer+path+"?") {
			t.Fatalf("answer = %s, want a redirect to the same endpoint", target)
		}
		for part := range strings.SplitSeq(hint, ".") {
			if strings.Contains(target, part) {
				t.Errorf("the address %s holds a part of the hint", target)
			}
		}
		return u.Query()
	}
	request := carried(values)
	if got := outcome(visit(t, l, "POST", url.Values{"ticket": {request.Get("request")}}, cookie)); got != errorPage || ended(t, r, cookie) {
		t.Errorf("the request as a confirmation: %s, session ended = %v; want %s and no end", got, ended(t, r, cookie), errorPage)
	}
	if got := outcome(visit(t, l, "GET", carried(goodbye), cookie)); got != confirmationPage || ended(t, r, cookie) {
		t.Errorf("without a hint: %s, session ended = %v; want %s and no end", got, ended(t, r, cookie), confirmationPage)
	}
	if got := outcome(visit(t, l, "GET", request, cookie)); got != "https://shop.example/bye?state=a+b" || !ended(t, r, cookie) {
		t.Errorf("then: %s, session ended = %v; want the redirect and its end", got, ended(t, r, cookie))
	}
	if got := outcome(visit(t, l, "GET", url.Values{"request": {request.Get("request") + "A"}}, cookie)); got != errorPage {
		t.Errorf("a forged request: %s, want %s", got, errorPage)
	}
	values.Set("post_logout_redirect_uri", "https://evil.example/")
	if got := outcome(visit(t, l, "POST", values, "")); got != errorPage {
		t.Errorf("an address that is not registered: %s, want %s", got, errorPage)
	}
	r.Now = r.Now.Add(3 * time.Minute)
	if got := outcome(visit(t, l, "GET", request, cookie)); got != errorPage {
		t.Errorf("a request of minutes ago: %s, want %s", got, errorPage)
	}
}
