package login

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/activity"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/middleware"
	"github.com/ostiary/ostiary/internal/network"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/passkey"
	"github.com/ostiary/ostiary/internal/passwordpolicy"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/secondfactor"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

const (
	password = "correct horse battery"
	clientID = "notes"
)

// watched is a real store that counts writes and lookups.
type watched struct {
	*store.Store
	writes, lookups atomic.Int64
	ends            atomic.Bool // whether sessions end just before they are renewed
}

type watchedAccounts struct {
	*store.Accounts
	watched *watched
}

func (a watchedAccounts) AccountBySignInName(ctx context.Context, username string) (*account.Account, error) {
	a.watched.lookups.Add(1)
	return a.Accounts.AccountBySignInName(ctx, username)
}

func (a watchedAccounts) InsertAccount(ctx context.Context, added *account.Account) error {
	a.watched.writes.Add(1)
	return a.Accounts.InsertAccount(ctx, added)
}

type watchedThrottle struct {
	*store.Throttle
	watched *watched
}

func (t watchedThrottle) CountAttempt(ctx context.Context, key string, window time.Duration, now time.Time) (int, time.Time, error) {
	t.watched.writes.Add(1)
	return t.Throttle.CountAttempt(ctx, key, window, now)
}

type watchedSessions struct {
	*store.Sessions
	watched *watched
}

func (s watchedSessions) InsertSession(ctx context.Context, n *session.Session, replaces []byte) error {
	s.watched.writes.Add(1)
	return s.Sessions.InsertSession(ctx, n, replaces)
}

func (s watchedSessions) RenewSession(ctx context.Context, old []byte, n *session.Session) error {
	s.watched.writes.Add(1)
	if s.watched.ends.Load() {
		if _, err := s.EndSessionsOf(ctx, n.Subject, n.AuthTime); err != nil {
			return err
		}
	}
	return s.Sessions.RenewSession(ctx, old, n)
}

type watchedRequests struct {
	*store.Requests
	watched *watched
}

func (r watchedRequests) RecordSignIn(ctx context.Context, id, sessionID string, at, now time.Time) error {
	r.watched.writes.Add(1)
	return r.Requests.RecordSignIn(ctx, id, sessionID, at, now)
}

func (r watchedRequests) RecordChoice(ctx context.Context, id, sessionID string, now time.Time) error {
	r.watched.writes.Add(1)
	return r.Requests.RecordChoice(ctx, id, sessionID, now)
}

func (r watchedRequests) RecordPartialConsent(ctx context.Context, id, subject, parameters string, remember *consent.Consent, now time.Time) error {
	r.watched.writes.Add(1)
	return r.Requests.RecordPartialConsent(ctx, id, subject, parameters, remember, now)
}

func (r watchedRequests) RecordDecision(
	ctx context.Context, id string, d authrequest.Decision, subject string, remember *consent.Consent, now time.Time,
) error {
	r.watched.writes.Add(1)
	return r.Requests.RecordDecision(ctx, id, d, subject, remember, now)
}

type watchedSetupLinks struct {
	*store.SetupLinks
	watched *watched
}

func (l watchedSetupLinks) RedeemSetupLink(ctx context.Context, hash []byte, first *account.Account, p *passkey.Passkey, address string, now time.Time) error {
	l.watched.writes.Add(1)
	return l.SetupLinks.RedeemSetupLink(ctx, hash, first, p, address, now)
}

// pageServer serves the pages over a real store, with a clock that the test moves.
type pageServer struct {
	*httptest.Server
	store   *watched
	cookies session.Cookies
	hasher  *credential.Hasher
	// failures collects failed sign-ins; flush it to store them.
	failures *activity.Recorder
	shift    atomic.Int64
	start    time.Time
	log      logbook
}

func (h *pageServer) now() time.Time        { return h.start.Add(time.Duration(h.shift.Load())) }
func (h *pageServer) wait(d time.Duration)  { h.shift.Add(int64(d)) }
func (h *pageServer) path(l string) string  { return strings.TrimPrefix(l, h.URL) }
func (h *pageServer) back(id string) string { return "/oauth2/auth?continue=" + id }

func newPageServer(t *testing.T) *pageServer {
	t.Helper()
	h := &pageServer{
		store: &watched{Store: storetest.New(t)}, cookies: session.Cookies{Secure: true},
		hasher: credential.NewHasher(8, 1, 32, 30*time.Second), start: time.Now(),
	}
	views, err := pages.New(pages.Options{Cookie: session.LanguageCookie{Of: h.cookies}})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	log := slog.New(slog.NewTextHandler(&h.log, nil))
	reporter := &refusal.Reporter{Log: log, Now: h.now, Level: httpapi.Level}
	h.failures = &activity.Recorder{Store: h.store.Activity, Log: log}
	h.Server = httptest.NewTLSServer(middleware.ClientAddress([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})(middleware.Refusals(reporter.Report)(mux)))
	t.Cleanup(h.Close)
	sessions := &session.Manager{
		Store: watchedSessions{h.store.Sessions, h.store}, Sources: h.store.SignInSources, Cookies: h.cookies,
		Lifetimes:  session.Lifetimes{Idle: time.Hour, Absolute: 12 * time.Hour},
		Remembered: session.Lifetimes{Idle: 7 * 24 * time.Hour, Absolute: 30 * 24 * time.Hour},
		Began:      func() {}, Ended: func() {}, Now: h.now,
	}
	service := New(Config{
		Issuer: h.URL, Iss: h.URL + "/", Accounts: watchedAccounts{h.store.Accounts, h.store}, Sources: h.store.SignInSources,
		Sessions: h.store.Sessions, SessionManager: sessions, Requests: watchedRequests{h.store.Requests, h.store}, Clients: h.store.Clients,
		Scopes:   store.NewScopeCache(h.store.Store, func(records []*scope.Scope) *scope.Set { return scope.NewSet(records, nil, nil) }),
		Failures: h.failures, Attempts: watchedThrottle{h.store.Throttle, h.store}, SetupLinks: watchedSetupLinks{h.store.SetupLinks, h.store},
		SignIns: h.store.SignIns, SecondFactors: &secondfactor.Service{Store: h.store.SecondFactors}, TrustedDevices: &secondfactor.TrustedDevices{Store: h.store.TrustedDevices, Cookies: h.cookies},
		PasswordPolicy: &passwordpolicy.Policy{Service: []string{"ostiary"}, Processor: h.hasher},
		BreachChecks:   (*passwordpolicy.SignInChecks)(nil),
		Hasher:         h.hasher, Pages: views, Cookies: h.cookies,
		Lifetimes: Lifetimes{
			Consent: 365 * 24 * time.Hour, Grant: 90 * 24 * time.Hour,
		},
		SignUp: true, RateLimits: true, Networks: network.List, Now: h.now,
		Address: middleware.Address, Log: log,
	})
	rule := middleware.Form(middleware.FormRule{Methods: []string{http.MethodGet, http.MethodPost}, Query: true})
	for pattern, serve := range map[string]http.HandlerFunc{
		"GET /login": service.SignIn.Page, "POST /login": service.SignIn.Submit,
		"GET /signup": service.SignUp.Page, "POST /signup": service.SignUp.Submit,
		"GET /consent": service.Consent.Page, "POST /consent": service.Consent.Submit,
		"GET /setup": service.Setup.Page, "POST /setup": service.Setup.Submit, "GET /{$}": service.Home.Page,
	} {
		mux.Handle(pattern, rule(serve))
	}
	mux.Handle("POST /language", rule(http.HandlerFunc(service.Language.Submit)))
	mux.HandleFunc("GET /begin", h.begin)
	h.register(t)
	h.addUser(t, "ada", "Ada Lovelace")
	h.addUser(t, "bob", "")
	return h
}

// begin does what the authorization endpoint does with a request that must wait.
func (h *pageServer) begin(w http.ResponseWriter, r *http.Request) {
	id := make([]byte, 16)
	_, _ = rand.Read(id)
	request := &authrequest.Request{
		ID: hex.EncodeToString(id), ClientID: clientID, Parameters: withConsent(r.URL.Query()),
		CreatedAt: h.now(), ExpiresAt: h.now().Add(time.Hour),
		Grant: grant.Locator{Partition: grant.PartitionAt(h.now(), false), ID: grant.NewID(h.now())},
	}
	request.BrowserHash = h.cookies.BindRequest(w, r, request.ID, time.Hour)
	if err := h.store.Requests.InsertRequest(r.Context(), request); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = io.WriteString(w, request.ID)
}

// withConsent adds the parameter of the authorization endpoint: the requested scopes that
// the client may have.
func withConsent(parameters url.Values) string {
	var scopes []string
	for scope := range strings.FieldsSeq(parameters.Get("scope")) {
		if slices.Contains([]string{"openid", "profile", "email", "offline_access"}, scope) && !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	parameters.Set(authrequest.ConsentParameter, strings.Join(scopes, " "))
	return parameters.Encode()
}

func (h *pageServer) register(t *testing.T) {
	t.Helper()
	err := h.store.Clients.InsertClient(t.Context(), &client.Client{
		ID: clientID, CreatedAt: h.now(), UpdatedAt: h.now(),
		Metadata: client.Metadata{
			ClientName: "Acme Notes", ClientURI: "https://accounts.bank.example/", LogoURI: "https://notes.example/logo.png",
			PolicyURI: "https://notes.example/policy", TermsURI: "https://notes.example/terms",
			RedirectURIs: []string{"https://notes.example/cb"}, Scope: "openid profile email offline_access",
			GrantTypes: []string{client.GrantAuthorizationCode, client.GrantRefreshToken}, ResponseTypes: []string{"code"},
			TokenEndpointAuthMethod: client.AuthBasic,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (h *pageServer) addUser(t *testing.T, username, name string) {
	t.Helper()
	hash, err := h.hasher.Hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	a := &account.Account{
		Subject: "sub-" + username, Username: username, Claims: map[string]any{"name": name}, CreatedAt: h.now(), UpdatedAt: h.now(),
	}
	a.SetPassword(hash, h.now())
	if err := h.store.Accounts.InsertAccount(t.Context(), a); err != nil {
		t.Fatal(err)
	}
}

// request reads a pending request.
func (h *pageServer) request(t *testing.T, id string) *authrequest.Request {
	t.Helper()
	request, err := h.store.Requests.Request(t.Context(), id, h.now())
	if err != nil {
		t.Fatal(err)
	}
	return request
}

// browser keeps cookies and follows no redirect.
type browser struct {
	*http.Client
	server *pageServer
	from   string // the address it calls from; empty for loopback
}

func (h *pageServer) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{server: h, Client: &http.Client{
		Transport: h.Client().Transport, Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is a response.
type answer struct {
	status   int
	header   http.Header
	location string
	body     string
}

func (b *browser) get(t *testing.T, path string) answer {
	t.Helper()
	return b.send(t, http.MethodGet, path, nil)
}

func (b *browser) post(t *testing.T, path string, form url.Values) answer {
	t.Helper()
	return b.send(t, http.MethodPost, path, form)
}

func (b *browser) send(t *testing.T, method, path string, form url.Values) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, b.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if b.from != "" {
		r.Header.Set("X-Forwarded-For", b.from)
	}
	response, err := b.Do(r)
	if err != nil {
		t.Error(err) // not Fatal: several goroutines may send
		return answer{}
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	return answer{response.StatusCode, response.Header, b.server.path(response.Header.Get("Location")), string(body)}
}

// begin starts an authorization request and returns its id.
func (b *browser) begin(t *testing.T, parameters string) string {
	t.Helper()
	got := b.get(t, "/begin?"+parameters)
	if got.status != http.StatusOK {
		t.Fatalf("begin = %d %s", got.status, got.body)
	}
	return got.body
}

// submit posts the form of a page like a browser: to its action, with its hidden fields.
func (b *browser) submit(t *testing.T, page answer, fields ...string) answer {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page.body))
	if err != nil {
		t.Fatal(err)
	}
	action, form := "", url.Values{}
	for n := range doc.Descendants() {
		attrs := map[string]string{}
		for _, a := range n.Attr {
			attrs[a.Key] = a.Val
		}
		switch {
		case n.Data == "form" && action == "":
			action = attrs["action"]
		case n.Data == "input" && attrs["type"] == "hidden":
			form.Set(attrs["name"], attrs["value"])
		}
	}
	if action == "" {
		t.Fatalf("the page has no form: %d %s", page.status, page.body)
	}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.post(t, b.server.path(action), form)
}

// signIn passes the sign-in page for a new request, whose id it returns.
func (b *browser) signIn(t *testing.T, username string, more ...string) string {
	t.Helper()
	id := b.begin(t, "scope=openid+profile&redirect_uri=https://notes.example/cb")
	fields := append([]string{"username", username, "password", password}, more...)
	got := b.submit(t, b.get(t, "/login?as=another&request="+id), fields...)
	if got.status != http.StatusSeeOther || got.location != b.server.back(id) {
		t.Fatalf("sign-in of %s = %d to %q, want 303 to %q: %s", username, got.status, got.location, b.server.back(id), got.body)
	}
	return id
}

// cookie returns the value of the session cookie.
func (b *browser) cookie(t *testing.T) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, b.server.URL, nil)
	for _, c := range b.Jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	return b.server.cookies.Session(r)
}

// session returns the browser's live session and the consent of the client.
func (b *browser) session(t *testing.T) (*session.Session, *consent.Consent) {
	t.Helper()
	s, consent, err := b.server.store.Sessions.SessionAndConsent(t.Context(), session.Hash(b.cookie(t)), clientID, b.server.now())
	if err != nil {
		t.Fatal(err)
	}
	return s, consent
}

func expect(t *testing.T, got answer, status int, words string) {
	t.Helper()
	if got.status != status || !strings.Contains(got.body, words) {
		t.Errorf("answer = %d, want %d with %q: %s", got.status, status, words, got.body)
	}
}

// logbook collects a log that several goroutines write.
type logbook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
