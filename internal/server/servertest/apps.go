package servertest

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
	LoginApp   = "https://apps.example/login?lang=en"
	ConsentApp = "https://apps.example/consent"
)

// apart is a server whose people sign in and agree with the operator's apps.
type AppServer struct {
	*Server
	AdminURL string // the administrators' API
	Document *Document
}

func StartWithApps(tb testing.TB, db *store.Store, settings map[string]string) *AppServer {
	tb.Helper()
	return StartWithAppsAndLog(tb, db, settings, slog.DiscardHandler)
}

// startApartLogging is startApart for tests that read the log.
func StartWithAppsAndLog(tb testing.TB, db *store.Store, settings map[string]string, log slog.Handler) *AppServer {
	tb.Helper()
	all := map[string]string{"login_url": LoginApp, "consent_url": ConsentApp, "admin_auth": "none"}
	maps.Copy(all, settings)
	s := StartWithLog(tb, db, all, log)
	operators := httptest.NewServer(s.App.Admin())
	tb.Cleanup(operators.Close)
	return &AppServer{s, operators.URL, AdminDocument(tb, s.App.AdminAPI)}
}

type Object = map[string]any

// ask calls the administrators' API.
func (s *AppServer) CallAdmin(method, path, body string) Response {
	s.TB.Helper()
	return s.CallAdminWithKey("", method, path, body)
}

// askWith is ask with an API key.
func (s *AppServer) CallAdminWithKey(key, method, path, body string) Response {
	s.TB.Helper()
	r, err := http.NewRequestWithContext(s.TB.Context(), method, s.AdminURL+path, strings.NewReader(body))
	if err != nil {
		s.TB.Fatal(err)
	}
	if method != http.MethodGet {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	p := Send(s.TB, http.DefaultClient, r)
	s.Document.Check(s.TB, method, path, p)
	return p
}

func (s *AppServer) AnswerChallenge(path, challenge string, body Object) Response {
	s.TB.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		s.TB.Fatal(err)
	}
	step := "login_challenge"
	if strings.HasPrefix(path, "consent") {
		step = "consent_challenge"
	}
	return s.CallAdmin(http.MethodPut, "/admin/oauth2/auth/requests/"+path+"?"+step+"="+challenge, string(text))
}

// to returns where the API says the person shall go.
func (s *AppServer) RedirectTo(p Response) string {
	s.TB.Helper()
	to := Text(p.JSON(s.TB)["redirect_to"])
	if p.Status != http.StatusOK || to == "" {
		s.TB.Fatalf("no way on: %d %s", p.Status, p.Body)
	}
	return to
}

// login returns the challenge that the browser brings to the login app.
func (s *AppServer) LoginChallenge(p Response) string {
	s.TB.Helper()
	return s.Challenge(p, LoginApp+"&login_challenge=")
}

func (s *AppServer) ConsentChallenge(p Response) string {
	s.TB.Helper()
	return s.Challenge(p, ConsentApp+"?consent_challenge=")
}

func (s *AppServer) Challenge(p Response, before string) string {
	s.TB.Helper()
	challenge, ok := strings.CutPrefix(p.Header.Get("Location"), before)
	if !ok || p.Status != http.StatusSeeOther || len(challenge) != 32 {
		s.TB.Fatalf("not at %s: %d to %q\n%s", before, p.Status, p.Header.Get("Location"), p.Body)
	}
	return challenge
}

// signIn is the way through the login app: it accepts with what it says.
func (b *Browser) SignInByApp(s *AppServer, p Response, says Object) Response {
	s.TB.Helper()
	return b.Get(s.RedirectTo(s.AnswerChallenge("login/accept", s.LoginChallenge(p), says)))
}

// agree is the way through the consent app.
func (b *Browser) ConsentByApp(s *AppServer, p Response, says Object) Response {
	s.TB.Helper()
	return b.Get(s.RedirectTo(s.AnswerChallenge("consent/accept", s.ConsentChallenge(p), says)))
}

var AllScopes = []string{"openid", "offline_access", "api"}

// through goes all the way to the client, as subject and with everything granted.
func (b *Browser) AuthorizeByApps(s *AppServer, form url.Values, subject string) Response {
	s.TB.Helper()
	p := b.SignInByApp(s, b.Get("/oauth2/auth?"+form.Encode()), Object{"subject": subject})
	return b.ConsentByApp(s, p, Object{"grant_scope": AllScopes})
}

func EachAppServer(t *testing.T, test func(t *testing.T, s *AppServer)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		test(t, StartWithApps(t, db, nil))
	})
}

// codeOf returns the code of an answer to the client.
func CodeOf(tb testing.TB, p Response) string {
	tb.Helper()
	code := p.Location().Query().Get("code")
	if code == "" {
		tb.Fatalf("no code: %d to %q\n%s", p.Status, p.Header.Get("Location"), p.Body)
	}
	return code
}

func Form(pairs ...string) url.Values {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

// askPlain is ask for what is no JSON.
func (s *AppServer) GetAdminText(path string) Response {
	s.TB.Helper()
	r, err := http.NewRequestWithContext(s.TB.Context(), http.MethodGet, s.AdminURL+path, nil)
	if err != nil {
		s.TB.Fatal(err)
	}
	return Send(s.TB, http.DefaultClient, r)
}
