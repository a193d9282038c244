package oidc

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
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/session"
)

const path = "/oauth2/sessions/logout"

func (r *rig) logout(t *testing.T) *Logout {
	t.Helper()
	pages, err := pages.New("")
	if err != nil {
		t.Fatal(err)
	}
	return &Logout{
		MaxRedirectURL: 16 << 10,
		Issuer:         issuer, Path: path, Keys: [][]byte{[]byte("a key of enough bytes for a MAC")}, Verifier: r.keys, Clients: r.store,
		Sessions: r.store, Manager: &session.Manager{Store: r.store, Ended: func() {}, Now: func() time.Time { return r.now }}, Browser: session.Cookies{}, Pages: pages, Now: func() time.Time { return r.now }, Log: r.logger(),
	}
}

// idToken returns what a hint's claims are, with changes; nil takes a claim away.
func (r *rig) idToken(s *session.Session, changes map[string]any) map[string]any {
	claims := map[string]any{
		"iss": issuer, "sub": s.Subject, "aud": "shop", "sid": s.ID,
		"iat": r.now.Unix() - 9000, "exp": r.now.Unix() - 5400, // expired, as hints are
	}
	for name, value := range changes {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	return claims
}

func visit(t *testing.T, l *Logout, method string, values url.Values, cookie string) *httptest.ResponseRecorder {
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
func (r *rig) ended(t *testing.T, cookie string) bool {
	t.Helper()
	_, _, err := r.store.SessionAndConsent(t.Context(), session.Hash(cookie), "", r.now)
	if err != nil && !errors.Is(err, session.ErrNotFound) {
		t.Fatal(err)
	}
	return err != nil
}

const (
	asks = "the confirmation page"
	says = "the signed-out page"
	errs = "the error page"
)

// outcome names what the answer is: a page, or where it leads.
func outcome(w *httptest.ResponseRecorder) string {
	body := w.Body.String()
	switch {
	case w.Code == http.StatusSeeOther:
		return w.Header().Get("Location")
	case w.Code == http.StatusOK && strings.Contains(body, `id="logout-confirm"`):
		return asks
	case w.Code == http.StatusOK && strings.Contains(strings.ToLower(body), "signed out"):
		return says
	case w.Code == http.StatusBadRequest && strings.Contains(body, `id="error"`) && w.Header().Get("Location") == "":
		return errs
	}
	return fmt.Sprintf("%d %s", w.Code, body)
}

func TestSignOutGoesByWhatTheHintSettles(t *testing.T) {
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
		"hint alone":               {map[string]any{}, nil, says, true},
		"a name that an app chose": {map[string]any{"sub": "as-ada"}, nil, says, true},
		"hint and state":           {map[string]any{}, url.Values{"state": {"s"}}, says, true},
		"hint and its client":      {map[string]any{}, url.Values{"client_id": {"shop"}}, says, true},
		"an audience of several, with azp": {
			map[string]any{"aud": []string{"other", "shop"}, "azp": "shop"},
			url.Values{"post_logout_redirect_uri": {"https://shop.example/bye"}},
			"https://shop.example/bye", true,
		},

		"nothing":                 {nil, nil, asks, false},
		"state alone":             {nil, url.Values{"state": {"s"}}, asks, false},
		"client and URI, no hint": {nil, url.Values{"client_id": {"shop"}, "post_logout_redirect_uri": {"https://shop.example/bye"}}, asks, false},
		"hint of another session": {map[string]any{"sid": "another"}, nil, asks, false},
		"hint of no session":      {map[string]any{"sid": nil}, nil, asks, false},

		"URI of nobody":            {nil, url.Values{"post_logout_redirect_uri": {"https://shop.example/bye"}}, errs, false},
		"unregistered URI":         {map[string]any{}, url.Values{"post_logout_redirect_uri": {"https://evil.example"}}, errs, false},
		"registered URI and more":  {map[string]any{}, url.Values{"post_logout_redirect_uri": {"https://shop.example/bye?foo=bar"}}, errs, false},
		"URI of another client":    {map[string]any{}, url.Values{"post_logout_redirect_uri": {"https://other.example/bye"}}, errs, false},
		"a redirect URI":           {map[string]any{}, url.Values{"post_logout_redirect_uri": {"https://shop.example/cb"}}, errs, false},
		"client of another hint":   {map[string]any{}, url.Values{"client_id": {"other"}}, errs, false},
		"unknown client":           {nil, url.Values{"client_id": {"gone"}}, errs, false},
		"hint of another issuer":   {map[string]any{"iss": "https://id.example.evil"}, nil, errs, false},
		"hint for unknown client":  {map[string]any{"aud": "gone"}, nil, errs, false},
		"hint for several clients": {map[string]any{"aud": []string{"shop", "other"}}, nil, errs, false},
		"hint for nobody":          {map[string]any{"aud": nil}, nil, errs, false},
		"hint with a strange aud":  {map[string]any{"aud": map[string]any{"shop": true}}, nil, errs, false},
		"hint about nobody":        {map[string]any{"sub": nil}, nil, errs, false},
		"hint that never expires":  {map[string]any{"exp": nil}, nil, errs, false}, // a signed userinfo answer
		"hint of no time":          {map[string]any{"iat": nil}, nil, errs, false},
		"hint of an odd time":      {map[string]any{"exp": "1e999"}, nil, errs, false},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			t.Run(name+" by "+method, func(t *testing.T) {
				t.Parallel()

				r := newRig(t)
				l := r.logout(t)
				s, cookie := r.signIn(t)
				values := url.Values{}
				maps.Copy(values, tc.values)
				if tc.hint != nil {
					values.Set("id_token_hint", r.sign(t, "JWT", r.idToken(s, tc.hint)))
				}
				w := visit(t, l, method, values, cookie)
				if got := outcome(w); got != tc.want {
					t.Errorf("answer = %s, want %s", got, tc.want)
				}
				if got := r.ended(t, cookie); got != tc.ends {
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

func TestAHintThatWeDidNotSignIsRefused(t *testing.T) {
	t.Parallel()

	r := newRig(t)
	l := r.logout(t)
	s, cookie := r.signIn(t)
	claims := r.idToken(s, nil)
	good := r.sign(t, "JWT", claims)
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
		"an access token":    r.sign(t, "at+jwt", claims),
		"a logout token":     r.sign(t, "logout+jwt", claims),
		"noise":              "noise",
		"a line break in it": good[:9] + "\n" + good[9:],
	} {
		values := url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://shop.example/bye"}}
		if got := outcome(visit(t, l, "GET", values, cookie)); got != errs || r.ended(t, cookie) {
			t.Errorf("%s: answer = %s, session ended = %v; want %s and it to go on", name, got, r.ended(t, cookie), errs)
		}
	}
	if got := outcome(visit(t, l, "GET", url.Values{"id_token_hint": {good}}, cookie)); got != says {
		t.Errorf("the hint that they were made of: %s, want %s", got, says)
	}
	if strings.Contains(r.log.String(), parts[1]) {
		t.Errorf("the log holds a token:\n%s", &r.log)
	}
}

// A hint whose key is gone for good is no fault of the person: they are asked, as without a
// hint, and go back if the client says who it is.
func TestAHintWhoseKeyIsGoneIsNoHint(t *testing.T) {
	t.Parallel()

	r, other := newRig(t), newRig(t)
	l := r.logout(t)
	s, cookie := r.signIn(t)
	hint := other.sign(t, "JWT", r.idToken(s, nil))
	bye := "https://shop.example/bye"
	for name, tc := range map[string]struct {
		values url.Values
		cookie string
		want   string
	}{
		"alone":                             {url.Values{}, cookie, asks},
		"with an address":                   {url.Values{"post_logout_redirect_uri": {bye}}, cookie, asks},
		"with an address, not signed in":    {url.Values{"post_logout_redirect_uri": {bye}}, "", says},
		"with client and address":           {url.Values{"client_id": {"shop"}, "post_logout_redirect_uri": {bye}}, cookie, asks},
		"the same, not signed in":           {url.Values{"client_id": {"shop"}, "post_logout_redirect_uri": {bye}}, "", bye},
		"with a client and a wrong address": {url.Values{"client_id": {"shop"}, "post_logout_redirect_uri": {"https://evil.example/"}}, cookie, errs},
	} {
		tc.values.Set("id_token_hint", hint)
		if got := outcome(visit(t, l, "GET", tc.values, tc.cookie)); got != tc.want || r.ended(t, cookie) {
			t.Errorf("%s: %s, session ended = %v; want %s and it to go on", name, got, r.ended(t, cookie), tc.want)
		}
	}
}

// Anybody can register a client: nobody is sent to its address by a link alone.
func TestASelfRegisteredClientGetsNobodyBackWithoutASessionOrAClick(t *testing.T) {
	t.Parallel()

	r := newRig(t)
	l := r.logout(t)
	s, cookie := r.signIn(t)
	const bye = "https://self.example/bye"
	m := client.Metadata{RedirectURIs: []string{"https://self.example/cb"}, PostLogoutRedirectURIs: []string{bye}}
	if faults := m.Validate(client.Policy{}); len(faults) > 0 {
		t.Fatal(faults)
	}
	if err := r.store.InsertClient(t.Context(), &client.Client{ID: "self", Metadata: m, Dynamic: true, CreatedAt: r.now, UpdatedAt: r.now}); err != nil {
		t.Fatal(err)
	}
	hint := r.sign(t, "JWT", r.idToken(s, map[string]any{"aud": "self"}))
	for name, values := range map[string]url.Values{
		"by its id":   {"client_id": {"self"}, "post_logout_redirect_uri": {bye}, "state": {"s"}},
		"with a hint": {"id_token_hint": {hint}, "post_logout_redirect_uri": {bye}, "state": {"s"}},
	} {
		for browser, cookie := range map[string]string{"no cookie": "", "an unknown cookie": "x"} {
			w := visit(t, l, "GET", values, cookie)
			if got := outcome(w); got != says || !strings.Contains(w.Body.String(), bye+"?state=s") {
				t.Errorf("%s, %s: %s, want %s with a link to the client", name, browser, got, says)
			}
		}
	}
	w := visit(t, l, "GET", url.Values{"client_id": {"self"}, "post_logout_redirect_uri": {bye}}, cookie)
	ticket := regexp.MustCompile(`name="ticket" value="([^"]+)"`).FindStringSubmatch(w.Body.String())
	if ticket == nil {
		t.Fatalf("no confirmation: %s", w.Body)
	}
	if got := outcome(visit(t, l, "POST", url.Values{"ticket": {ticket[1]}}, "")); got != says {
		t.Errorf("a confirmation of another browser, sent by another site: %s, want %s", got, says)
	}
	if got := outcome(visit(t, l, "POST", url.Values{"ticket": {ticket[1]}}, cookie)); got != bye {
		t.Errorf("after a click: %s, want %s", got, bye)
	}
	s, cookie = r.signIn(t)
	hint = r.sign(t, "JWT", r.idToken(s, map[string]any{"aud": "self"}))
	values := url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {bye}}
	if got := outcome(visit(t, l, "GET", values, cookie)); got != bye || !r.ended(t, cookie) {
		t.Errorf("with the session that the hint is about: %s, want %s and its end", got, bye)
	}
}

func TestWhoIsNotSignedInIsAskedNothing(t *testing.T) {
	t.Parallel()

	r := newRig(t)
	l := r.logout(t)
	s, cookie := r.signIn(t)
	if _, err := r.store.EndSession(t.Context(), s.ID, r.now); err != nil {
		t.Fatal(err)
	}
	hint := r.sign(t, "JWT", r.idToken(s, nil))
	back := url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://shop.example/bye"}, "state": {"s"}}
	for name, cookie := range map[string]string{"no cookie": "", "an old cookie": cookie, "a made-up cookie": "x"} {
		if got := outcome(visit(t, l, "GET", back, cookie)); got != "https://shop.example/bye?state=s" {
			t.Errorf("%s: %s, want the way back", name, got)
		}
		if got := outcome(visit(t, l, "GET", nil, cookie)); got != says {
			t.Errorf("%s: %s, want %s", name, got, says)
		}
	}
}

func TestAFormOfAnotherSiteComesBackWithItsCookie(t *testing.T) {
	t.Parallel()

	r := newRig(t)
	l := r.logout(t)
	s, cookie := r.signIn(t)
	hint := r.sign(t, "JWT", r.idToken(s, nil))
	values := url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://shop.example/bye"}, "state": {"a b"}}
	carried := func(values url.Values) url.Values {
		t.Helper()
		target := outcome(visit(t, l, "POST", values, ""))
		u, err := url.Parse(target)
		if err != nil || !strings.HasPrefix(target, issuer+path+"?") {
			t.Fatalf("answer = %s, want a way to the same endpoint", target)
		}
		for part := range strings.SplitSeq(hint, ".") {
			if strings.Contains(target, part) {
				t.Errorf("the address %s holds a part of the hint", target)
			}
		}
		return u.Query()
	}
	request := carried(values)
	if got := outcome(visit(t, l, "POST", url.Values{"ticket": {request.Get("request")}}, cookie)); got != errs || r.ended(t, cookie) {
		t.Errorf("the request as a confirmation: %s, session ended = %v; want %s and it to go on", got, r.ended(t, cookie), errs)
	}
	if got := outcome(visit(t, l, "GET", carried(goodbye), cookie)); got != asks || r.ended(t, cookie) {
		t.Errorf("without a hint: %s, session ended = %v; want %s and it to go on", got, r.ended(t, cookie), asks)
	}
	if got := outcome(visit(t, l, "GET", request, cookie)); got != "https://shop.example/bye?state=a+b" || !r.ended(t, cookie) {
		t.Errorf("then: %s, session ended = %v; want the way back and its end", got, r.ended(t, cookie))
	}
	if got := outcome(visit(t, l, "GET", url.Values{"request": {request.Get("request") + "A"}}, cookie)); got != errs {
		t.Errorf("a forged request: %s, want %s", got, errs)
	}
	values.Set("post_logout_redirect_uri", "https://evil.example/")
	if got := outcome(visit(t, l, "POST", values, "")); got != errs {
		t.Errorf("an address that is not registered: %s, want %s", got, errs)
	}
	r.now = r.now.Add(3 * time.Minute)
	if got := outcome(visit(t, l, "GET", request, cookie)); got != errs {
		t.Errorf("a request of minutes ago: %s, want %s", got, errs)
	}
}
