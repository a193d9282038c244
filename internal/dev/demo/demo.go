// Package demo is the demo relying party that `ostiary dev` runs beside the
// server: a small web application that signs people in with Ostiary.
//
// It knows nothing of the server but its issuer, a client id and a secret, and
// speaks to it through coreos/go-oidc and x/oauth2 alone, the way any
// application would. Read provider.go, signin.go and signout.go to see what an
// application has to do; the rest shows what came of it.
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

// Config says who the demo application is and where its provider lives.
type Config struct {
	// Issuer is the provider's issuer identifier, exactly as it writes it.
	Issuer string
	// ClientID and ClientSecret are what registering [Metadata] gave.
	ClientID, ClientSecret string
	// BaseURL is where people reach the application, http://localhost:5555.
	BaseURL string
	// HTTPClient reaches the provider. It must trust the provider's
	// certificate; nil means a plain client with a timeout.
	HTTPClient *http.Client
	// Hint tells a visitor on the start page with whose name to sign in.
	Hint string
	// MailPath is where the start page points to for caught mail, if anywhere.
	MailPath string
	// Log receives what was refused and why.
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

// New makes the demo application. It does not reach out to the provider: that
// happens with the first visitor, so that both may start at once.
func New(cfg Config) (http.Handler, error) {
	cfg.BaseURL = strings.TrimSuffix(cfg.BaseURL, "/")
	base, err := url.Parse(cfg.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("parse base URL: %w", err)
	}
	if base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, fmt.Errorf("base URL %q is no http or https address", cfg.BaseURL)
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
		return &refusal{status: http.StatusNotFound, title: "There is nothing here", advice: "The address may be mistyped."}
	}))

	crossSite := http.NewCrossOriginProtection()
	crossSite.SetDenyHandler(a.answer(func(http.ResponseWriter, *http.Request) error {
		return &refusal{
			status: http.StatusForbidden, title: "That came from another site",
			advice: "Only the pages of this app may press its buttons. Nothing was done.",
		}
	}))
	return a.requireBaseURL(headers(crossSite.Handler(mux)))
}

// atHome keeps visitors on the one address that the provider knows. Cookies are
// bound to it: who starts at 127.0.0.1 would come back to localhost a stranger.
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
			http.Error(w, "this application lives at "+a.cfg.BaseURL, http.StatusMisdirectedRequest)
		}
	})
}

// headers sets what every page wants. There is no form-action in the policy:
// browsers hold it against the redirects that follow a form too, and signing out
// leads to wherever the provider has its pages.
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

// refusal is an answer other than the one a visitor hoped for.
type refusal struct {
	status        int
	title, advice string
	code          string // the protocol's own word for it, if there is one
	err           error
}

func (r *refusal) Error() string {
	if r.err == nil {
		return r.title
	}
	return r.title + ": " + r.err.Error()
}

func (r *refusal) Unwrap() error { return r.err }

// answer turns a handler that may fail into one that explains itself.
func (a *app) answer(handle func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := handle(w, r)
		if err == nil {
			return
		}
		var no *refusal
		if !errors.As(err, &no) {
			no = &refusal{status: http.StatusInternalServerError, title: "Something went wrong here", err: err}
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

// detail is the text of err, short enough for a page: part of it is a stranger's.
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
