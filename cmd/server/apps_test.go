package main

import (
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// The operator's own apps, as far as the server sees them: an address that people
// are sent to, and a caller of the administrators' API.
const (
	loginApp   = "https://apps.example/login?lang=en"
	consentApp = "https://apps.example/consent"
)

// apart is a server whose people sign in and agree with the operator's apps.
type apart struct {
	*server
	operator string // the administrators' API
	document *document
}

func startApart(tb testing.TB, db *store.Store, settings map[string]string) *apart {
	tb.Helper()
	return startApartLogging(tb, db, settings, slog.DiscardHandler)
}

// startApartLogging is startApart for tests that read the log.
func startApartLogging(tb testing.TB, db *store.Store, settings map[string]string, log slog.Handler) *apart {
	tb.Helper()
	all := map[string]string{"login_url": loginApp, "consent_url": consentApp, "admin_auth": "none"}
	maps.Copy(all, settings)
	s := startLogging(tb, db, all, log)
	operators := httptest.NewServer(s.admin())
	tb.Cleanup(operators.Close)
	return &apart{s, operators.URL, described(tb, s.operator)}
}

type object = map[string]any

// ask calls the administrators' API.
func (s *apart) ask(method, path, body string) reply {
	s.tb.Helper()
	return s.askWith("", method, path, body)
}

// askWith is ask with an API key.
func (s *apart) askWith(key, method, path, body string) reply {
	s.tb.Helper()
	r, err := http.NewRequestWithContext(s.tb.Context(), method, s.operator+path, strings.NewReader(body))
	if err != nil {
		s.tb.Fatal(err)
	}
	if method != http.MethodGet {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	p := send(s.tb, http.DefaultClient, r)
	s.document.check(s.tb, method, path, p)
	return p
}

func (s *apart) put(path, challenge string, body object) reply {
	s.tb.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		s.tb.Fatal(err)
	}
	step := "login_challenge"
	if strings.HasPrefix(path, "consent") {
		step = "consent_challenge"
	}
	return s.ask(http.MethodPut, "/admin/oauth2/auth/requests/"+path+"?"+step+"="+challenge, string(text))
}

// to returns where the API says the person shall go.
func (s *apart) to(p reply) string {
	s.tb.Helper()
	to := text(p.json(s.tb)["redirect_to"])
	if p.status != http.StatusOK || to == "" {
		s.tb.Fatalf("no way on: %d %s", p.status, p.body)
	}
	return to
}

// login returns the challenge that the browser brings to the login app.
func (s *apart) login(p reply) string {
	s.tb.Helper()
	return s.challenge(p, loginApp+"&login_challenge=")
}

func (s *apart) consent(p reply) string {
	s.tb.Helper()
	return s.challenge(p, consentApp+"?consent_challenge=")
}

func (s *apart) challenge(p reply, before string) string {
	s.tb.Helper()
	challenge, ok := strings.CutPrefix(p.header.Get("Location"), before)
	if !ok || p.status != http.StatusSeeOther || len(challenge) != 32 {
		s.tb.Fatalf("not at %s: %d to %q\n%s", before, p.status, p.header.Get("Location"), p.body)
	}
	return challenge
}

// signIn is the way through the login app: it accepts with what it says.
func (b *browser) signIn(s *apart, p reply, says object) reply {
	s.tb.Helper()
	return b.get(s.to(s.put("login/accept", s.login(p), says)))
}

// agree is the way through the consent app.
func (b *browser) agree(s *apart, p reply, says object) reply {
	s.tb.Helper()
	return b.get(s.to(s.put("consent/accept", s.consent(p), says)))
}

var allScopes = []string{"openid", "offline_access", "api"}

// through goes all the way to the client, as subject and with everything granted.
func (b *browser) through(s *apart, form url.Values, subject string) reply {
	s.tb.Helper()
	p := b.signIn(s, b.get("/oauth2/auth?"+form.Encode()), object{"subject": subject})
	return b.agree(s, p, object{"grant_scope": allScopes})
}

func eachApart(t *testing.T, test func(t *testing.T, s *apart)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		test(t, startApart(t, db, nil))
	})
}

// codeOf returns the code of an answer to the client.
func codeOf(tb testing.TB, p reply) string {
	tb.Helper()
	code := p.location().Query().Get("code")
	if code == "" {
		tb.Fatalf("no code: %d to %q\n%s", p.status, p.header.Get("Location"), p.body)
	}
	return code
}

func asForm(pairs ...string) url.Values {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}
