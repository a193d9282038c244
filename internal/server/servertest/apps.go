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

// URLs of the operator's sign-in and consent apps. No server listens there: a test takes the challenge
// from the redirect and calls the admin API as the app does.
const (
	LoginApp   = "https://apps.example/login?lang=en"
	ConsentApp = "https://apps.example/consent"
)

// AppServer is a server whose users sign in and consent in the operator's apps, with its admin API.
// Every response of the admin API is checked against its OpenAPI document.
type AppServer struct {
	*Server
	AdminURL string // of the admin API, without a path
	Document *Document
}

// StartWithApps starts a server over db that redirects to [LoginApp] and [ConsentApp]. The
// settings take precedence. The server stops at the end of the test.
func StartWithApps(tb testing.TB, db *store.Store, settings map[string]string) *AppServer {
	tb.Helper()
	return StartWithAppsAndLog(tb, db, settings, slog.DiscardHandler)
}

// StartWithAppsAndLog is [StartWithApps] with a log handler.
func StartWithAppsAndLog(tb testing.TB, db *store.Store, settings map[string]string, log slog.Handler) *AppServer {
	tb.Helper()
	all := map[string]string{"login_url": LoginApp, "consent_url": ConsentApp, "admin_auth": "none"}
	maps.Copy(all, settings)
	s := StartWithLog(tb, db, all, log)
	adminAPI := httptest.NewServer(s.App.Admin())
	tb.Cleanup(adminAPI.Close)
	return &AppServer{s, adminAPI.URL, AdminDocument(tb, s.App.AdminAPI)}
}

// Object is a decoded JSON object.
type Object = map[string]any

// CallAdmin sends a request without an API key to the admin API and returns the response. The
// test fails if the response contradicts the OpenAPI document.
func (s *AppServer) CallAdmin(method, path, body string) Response {
	s.TB.Helper()
	return s.CallAdminWithKey("", method, path, body)
}

// CallAdminWithKey is [AppServer.CallAdmin] with an API key; an empty key sends none.
func (s *AppServer) CallAdminWithKey(key, method, path, body string) Response {
	s.TB.Helper()
	return s.CallAdminIfMatch("", key, method, path, body)
}

// CallAdminIfMatch is [AppServer.CallAdminWithKey] with the header If-Match, unless that is empty.
func (s *AppServer) CallAdminIfMatch(ifMatch, key, method, path, body string) Response {
	s.TB.Helper()
	r, err := http.NewRequestWithContext(s.TB.Context(), method, s.AdminURL+path, strings.NewReader(body))
	if err != nil {
		s.TB.Fatal(err)
	}
	if method != http.MethodGet {
		r.Header.Set("Content-Type", "application/json")
	}
	if ifMatch != "" {
		r.Header.Set("If-Match", ifMatch)
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	p := Send(s.TB, http.DefaultClient, r)
	s.Document.Check(s.TB, method, path, p)
	return p
}

// AnswerChallenge accepts or rejects a login or consent challenge as the app does. path is
// login/accept, login/reject, consent/accept or consent/reject; body is the request body.
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

// RedirectTo returns the redirect_to member of an accepted or rejected challenge. The test stops
// if p is not a 200 that has one.
func (s *AppServer) RedirectTo(p Response) string {
	s.TB.Helper()
	to := Text(p.JSON(s.TB)["redirect_to"])
	if p.Status != http.StatusOK || to == "" {
		s.TB.Fatalf("no redirect_to: %d %s", p.Status, p.Body)
	}
	return to
}

// LoginChallenge returns the challenge of a redirect to [LoginApp]. The test stops if p is not one.
func (s *AppServer) LoginChallenge(p Response) string {
	s.TB.Helper()
	return s.Challenge(p, LoginApp+"&login_challenge=")
}

// ConsentChallenge returns the challenge of a redirect to [ConsentApp]. The test stops if p is
// not one.
func (s *AppServer) ConsentChallenge(p Response) string {
	s.TB.Helper()
	return s.Challenge(p, ConsentApp+"?consent_challenge=")
}

// Challenge returns the challenge that follows the prefix in the Location of p. The test stops if p
// is not a 303 to that prefix with a challenge of 32 characters.
func (s *AppServer) Challenge(p Response, prefix string) string {
	s.TB.Helper()
	challenge, ok := strings.CutPrefix(p.Header.Get("Location"), prefix)
	if !ok || p.Status != http.StatusSeeOther || len(challenge) != 32 {
		s.TB.Fatalf("not at %s: %d to %q\n%s", prefix, p.Status, p.Header.Get("Location"), p.Body)
	}
	return challenge
}

// SignInByApp accepts the login challenge of the redirect p with body, follows redirect_to and
// returns the response.
func (b *Browser) SignInByApp(s *AppServer, p Response, body Object) Response {
	s.TB.Helper()
	return b.Get(s.RedirectTo(s.AnswerChallenge("login/accept", s.LoginChallenge(p), body)))
}

// ConsentByApp accepts the consent challenge of the redirect p with body, follows redirect_to and
// returns the response.
func (b *Browser) ConsentByApp(s *AppServer, p Response, body Object) Response {
	s.TB.Helper()
	return b.Get(s.RedirectTo(s.AnswerChallenge("consent/accept", s.ConsentChallenge(p), body)))
}

// AllScopes are the scopes that [Browser.AuthorizeByApps] grants.
var AllScopes = []string{"openid", "offline_access", "api"}

// AuthorizeByApps sends an authorization request, signs in as subject and grants [AllScopes], both
// by the apps. It returns the redirect to the client.
func (b *Browser) AuthorizeByApps(s *AppServer, form url.Values, subject string) Response {
	s.TB.Helper()
	p := b.SignInByApp(s, b.Get("/oauth2/auth?"+form.Encode()), Object{"subject": subject})
	return b.ConsentByApp(s, p, Object{"grant_scope": AllScopes})
}

// EachAppServer runs a parallel subtest on each database engine, with the server of
// [StartWithApps].
func EachAppServer(t *testing.T, test func(t *testing.T, s *AppServer)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		test(t, StartWithApps(t, db, nil))
	})
}

// CodeOf returns the authorization code in the query of the redirect p. The test stops if there is
// none.
func CodeOf(tb testing.TB, p Response) string {
	tb.Helper()
	code := p.Location().Query().Get("code")
	if code == "" {
		tb.Fatalf("no code: %d to %q\n%s", p.Status, p.Header.Get("Location"), p.Body)
	}
	return code
}

// Form returns a form of pairs of names and values.
func Form(pairs ...string) url.Values {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

// GetAdminText gets a resource of the admin listener that is not JSON. The response is not checked
// against the OpenAPI document.
func GetAdminText(s *AppServer, path string) Response {
	s.TB.Helper()
	r, err := http.NewRequestWithContext(s.TB.Context(), http.MethodGet, s.AdminURL+path, nil)
	if err != nil {
		s.TB.Fatal(err)
	}
	return Send(s.TB, http.DefaultClient, r)
}
