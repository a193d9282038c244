// Package demo is the demo relying party of `ostiary dev`: a small web application that signs
// users in with Ostiary.
//
// It has only the issuer, a client ID and a secret, and uses only coreos/go-oidc and x/oauth2,
// like any other application. provider.go, signin.go and signout.go show what an application
// must do; the other files show the results.
package demo

import (
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

//go:embed static
var static embed.FS

// Config is the registration of the demo application, and its provider.
type Config struct {
	// Issuer is the issuer identifier of the provider, byte for byte.
	Issuer string
	// ClientID and ClientSecret are the credentials of the client registered with [Metadata].
	ClientID, ClientSecret string
	// BaseURL is the URL of the application, as in http://localhost:5555.
	BaseURL string
	// HTTPClient calls the provider and must trust its certificate; nil means a client with a
	// timeout of 10 s.
	HTTPClient *http.Client
	// Hint is shown on the start page: the user to sign in as.
	Hint string
	// MailPath is the path of the mail catcher; empty if there is none.
	MailPath string
	// Log receives rejected requests.
	Log *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

type app struct {
	cfg      Config
	base     *url.URL
	provider *provider
	pages    pages

	attempts *sessionStore[attempt]
	visits   *sessionStore[*session]
	signouts *sessionStore[string]
}

// New returns the demo application. It calls the provider at the first request, so that both
// can start at the same time.
func New(cfg Config) (http.Handler, error) {
	cfg.BaseURL = strings.TrimSuffix(cfg.BaseURL, "/")
	base, err := url.Parse(cfg.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("parse base URL: %w", err)
	}
	if base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, fmt.Errorf("base URL %q is not an http or https URL", cfg.BaseURL)
	}
	if cfg.Issuer == "" || cfg.ClientID == "" {
		return nil, errors.New("the demo application needs an issuer and a client id")
	}
	if cfg.HTTPClient == nil {
		cfg.HTTPClient = &http.Client{Timeout: 10 * time.Second}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	pages, err := parsePages()
	if err != nil {
		return nil, err
	}

	a := &app{
		cfg:      cfg,
		base:     base,
		provider: &provider{cfg: cfg},
		pages:    pages,
		attempts: newSessionStore[attempt](cfg.Now, 1000, attemptLifetime),
		visits:   newSessionStore[*session](cfg.Now, 200, sessionLifetime),
		signouts: newSessionStore[string](cfg.Now, 1000, attemptLifetime),
	}
	return a.routes(), nil
}

func (a *app) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", a.answer(a.home))
	mux.Handle("GET /signin", a.answer(a.signIn))
	mux.Handle("POST /signin", a.answer(a.signIn))
	mux.Handle("GET /callback", a.answer(a.callback))
	mux.Handle("POST /refresh", a.answer(a.refresh))
	mux.Handle("POST /introspect", a.answer(a.introspect))
	mux.Handle("POST /signout", a.answer(a.signOut))
	mux.Handle("POST /forget", a.answer(a.signOutLocally))
	mux.Handle("GET /signed-out", a.answer(a.signedOut))
	mux.Handle("GET /policy", a.answer(a.legal("policy")))
	mux.Handle("GET /terms", a.answer(a.legal("terms")))
	mux.HandleFunc("GET /static/{file}", a.file)
	mux.Handle("GET /", a.answer(func(http.ResponseWriter, *http.Request) error {
		return &refusal{status: http.StatusNotFound, title: "Page not found", advice: "Check the address."}
	}))

	crossSite := http.NewCrossOriginProtection()
	crossSite.SetDenyHandler(a.answer(func(http.ResponseWriter, *http.Request) error {
		return &refusal{
			status: http.StatusForbidden, title: "Cross-site request",
			advice: "This app accepts forms only from its own pages. Nothing was changed.",
		}
	}))
	return a.requireBaseURL(headers(crossSite.Handler(mux)))
}

// requireBaseURL redirects to the registered host: cookies are bound to it, so that a sign-in
// that starts at 127.0.0.1 could not complete at localhost.
func (a *app) requireBaseURL(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Host == a.base.Host:
			next.ServeHTTP(w, r)
		case r.Method == http.MethodGet || r.Method == http.MethodHead:
			home := *a.base
			home.Path, home.RawQuery = r.URL.Path, r.URL.RawQuery
			http.Redirect(w, r, home.String(), http.StatusFound)
		default:
			http.Error(w, "use the address of this application: "+a.cfg.BaseURL, http.StatusMisdirectedRequest)
		}
	})
}

// headers sets the security headers of every page. The policy has no form-action: browsers
// apply it to the redirects that follow a form, and signing out redirects to the provider.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy",
			"default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// file serves GET /static/{file}.
func (a *app) file(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "max-age=300")
	http.ServeFileFS(w, r, static, "static/"+r.PathValue("file")) //nolint:gosec // an fs.FS opens nothing outside itself
}

// refusal is an error page.
type refusal struct {
	status        int
	title, advice string
	code          string // the protocol's error code, or empty
	err           error
}

func (r *refusal) Error() string {
	if r.err == nil {
		return r.title
	}
	return r.title + ": " + r.err.Error()
}

func (r *refusal) Unwrap() error { return r.err }

// answer converts the error of a handler into an error page.
func (a *app) answer(handle func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := handle(w, r)
		if err == nil {
			return
		}
		var no *refusal
		if !errors.As(err, &no) {
			no = &refusal{status: http.StatusInternalServerError, title: "Internal error", err: err}
		}
		a.cfg.Log.LogAttrs(r.Context(), slog.LevelInfo, "demo app refused",
			slog.Int("status", no.status), slog.String("path", r.URL.Path), slog.Any("error", err))
		if no.status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "2")
		}
		a.show(w, r, no.status, "error", map[string]any{
			"Title": no.title, "Advice": no.advice, "Code": no.code, "Detail": detail(no.err),
		})
	})
}

// detail returns the text of err, truncated: part of it comes from other parties.
func detail(err error) string {
	if err == nil {
		return ""
	}
	text := strings.ToValidUTF8(err.Error(), "?")
	if len(text) > 600 {
		text = strings.ToValidUTF8(text[:600], "") + "..."
	}
	return text
}
