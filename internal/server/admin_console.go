package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/ostiary/ostiary/internal/admin"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/config"
	adminconsole "github.com/ostiary/ostiary/internal/console/admin"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/middleware"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/session"
)

const pathConsole = "/console"

// builtInClients returns the clients of this server itself.
func builtInClients(c *config.Config) []*client.Client {
	if c.ConsoleRoot() == "" {
		return nil
	}
	return []*client.Client{client.NewConsole(c.ConsoleRoot() + "/callback")}
}

// composeAdminConsole creates the administrators' console, if there is one. Its pages have their
// own base, since their origin may differ from the issuer's.
func composeAdminConsole(s *Server) error {
	c, root := s.Config, s.Config.ConsoleRoot()
	if root == "" {
		return nil
	}
	base, err := url.Parse(root)
	if err != nil {
		return fmt.Errorf("parse console_url: %w", err)
	}
	options := pageOptions(s)
	options.Base = base.Path
	options.Cookie = session.LanguageCookie{Of: session.Cookies{Secure: base.Scheme == "https"}}
	if s.consolePages, err = pages.New(options); err != nil {
		return fmt.Errorf("parse pages of the console: %w", err)
	}
	redeem := func(ctx context.Context, code, verifier string) (*adminconsole.Identity, error) {
		return redeemForConsole(ctx, s, code, verifier)
	}
	call := func(r *http.Request, c adminconsole.Call) (*adminconsole.Result, error) {
		result, err := s.AdminAPI.Call(r, admin.Call{
			Operation: c.Operation, Path: c.Path, Query: c.Query, Body: c.Body, IfMatch: c.IfMatch,
			Caller: admin.Caller{Actor: c.Actor, Holds: c.Holds, ReadsAudited: c.ReadsAudited},
		})
		if err != nil {
			return nil, err
		}
		return &adminconsole.Result{Header: result.Header, Body: result.Body}, nil
	}
	var settings []adminconsole.Setting
	for _, one := range c.Settings() {
		settings = append(settings, adminconsole.Setting(one))
	}
	s.adminConsole = adminconsole.New(adminconsole.Config{
		Root: root, Issuer: c.Issuer, AuthorizeURL: c.URL(pathAuthorize), SignOutURL: c.URL(pathLogout), AccountURL: options.AccountURL,
		HasMail: c.HasMail(), API: call, Redeem: redeem, Trials: consoleTrials{s}, Sealer: s.Secrets, RoleScopes: apikey.RoleScopes,
		Sessions: s.Store.Sessions, Touch: s.sessions.Touch, Accounts: s.Store.Accounts, Keys: s.Keys,
		Events: s.Store.Audit, AuditLog: s.Store.Audit, Refusals: recentRefusals{s.Store.Refusals, s.Refusals}, Pages: s.consolePages,
		Text:    func(r *http.Request, m messages.Message) string { return pages.Text(s.consolePages, r, m) },
		Address: middleware.Address, RequestID: middleware.ID, PresetServer: PresetServer(c), Version: s.Version, RotateKeysEvery: c.KeyRotateEvery, KeySetLifetime: c.KeySetCache, TokenLifetime: c.LongestTokenLifetime, CertificateEnds: s.certificateEnds, Settings: settings, Now: s.Now, Log: s.Log,
	})
	return nil
}

// mountAdminConsole mounts the administrators' console at /console.
func mountAdminConsole(s *Server, r chi.Router) {
	refuse := func(w http.ResponseWriter, r *http.Request, status int, code, description string) {
		s.consolePages.Error(w, r, status, pages.Error{Code: code, Detail: description, RequestID: middleware.ID(r.Context())})
	}
	base, err := url.Parse(s.Config.ConsoleRoot())
	if err != nil {
		panic(err) // composeAdminConsole has parsed it
	}
	origin := base.Scheme + "://" + base.Host
	begin := s.limit(limitAuthorizations, 300, time.Minute)
	begin.Refuse = refuse
	if s.Config.SendConsoleHSTS() {
		r = r.With(middleware.SecurityHeaders(true))
	}
	ownForms := func(fileBytes int64) chi.Router {
		return r.With(
			middleware.OwnForms(middleware.Origins{Issuer: origin, Refuse: refuse, WrongAddress: func(w http.ResponseWriter, r *http.Request) {
				s.consolePages.Error(w, r, http.StatusForbidden, pages.WrongAddress(origin, middleware.ID(r.Context())))
			}}),
			middleware.BodyLimit(s.admission.largePages),
			middleware.Form(middleware.FormRule{Methods: []string{http.MethodGet, http.MethodPost}, Query: true, MaxBytes: fileBytes, Multipart: fileBytes > 0, Refuse: refuse}),
			middleware.RateLimit(begin, s.Now),
		)
	}
	own := ownForms(0)
	for _, route := range s.adminConsole.Routes() {
		own := ownForms(route.FileBytes)
		get := s.admission.pages.Handler(route.Get)
		if route.Post == nil {
			getAndHead(own, pathConsole+route.Path, get)
			continue
		}
		own.HandleFunc(pathConsole+route.Path, byMethod(map[string]http.Handler{
			http.MethodGet: get, http.MethodPost: s.admission.pages.Handler(route.Post),
		}))
	}
	getAndHead(own, pathConsole+"/", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		httpapi.SeeOther(w, s.Config.ConsoleRoot())
	}))
	own.HandleFunc(pathConsole+pathLanguage, func(w http.ResponseWriter, r *http.Request) { setConsoleLanguage(s, w, r) })
	r.Handle(pathConsole+"/static/*", http.StripPrefix(pathConsole, s.consolePages.Static()))
}

// setConsoleLanguage serves the language chooser of the console.
func setConsoleLanguage(s *Server, w http.ResponseWriter, r *http.Request) {
	choice := s.consolePages.LanguageChoice(r.PostForm.Get("language"), s.Now())
	if r.Method != http.MethodPost || choice == "" {
		refusal.Note(r.Context(), refusal.Rejection{Status: http.StatusBadRequest, Code: "invalid_request", Rule: refusal.PageInvalid, Text: "the language is not offered"})
		s.consolePages.Error(w, r, http.StatusBadRequest, pages.Error{Code: "invalid_request", RequestID: middleware.ID(r.Context())})
		return
	}
	root := s.Config.ConsoleRoot()
	session.LanguageCookie{Of: session.Cookies{Secure: strings.HasPrefix(root, "https")}}.Set(w, choice)
	httpapi.SeeOther(w, root+strings.TrimPrefix(pages.LanguageReturn(r), pathConsole))
}

// redeemForConsole exchanges a code of the console for an ID token at the token endpoint, within
// this process.
//
// Spec: OpenID Connect Core §3.1.3.1, §3.1.3.7.
func redeemForConsole(ctx context.Context, s *Server, code, verifier string) (*adminconsole.Identity, error) {
	form := url.Values{
		"grant_type": {client.GrantAuthorizationCode}, "client_id": {client.ConsoleID}, "code": {code}, "code_verifier": {verifier},
		"redirect_uri": {s.Config.ConsoleRoot() + "/callback"},
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Config.URL(pathToken), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("make token request: %w", err)
	}
	r.Form, r.PostForm = form, form
	w := &memoryResponse{header: http.Header{}, status: http.StatusOK}
	s.OAuth2.Token.ServeHTTP(w, r)
	var response struct {
		IDToken string `json:"id_token"`
		Error   string `json:"error"`
	}
	if err := json.Unmarshal(w.body.Bytes(), &response); err != nil || response.IDToken == "" {
		return nil, &httpapi.Error{Status: w.status, Code: response.Error}
	}
	payload, _, err := s.Keys.Verify(response.IDToken, "", "JWT") //nolint:contextcheck // it uses the keys in memory
	if err != nil {
		return nil, fmt.Errorf("verify ID token: %w", err)
	}
	var claims struct {
		Issuer    string `json:"iss"`
		Audience  any    `json:"aud"`
		Subject   string `json:"sub"`
		SessionID string `json:"sid"`
		Nonce     string `json:"nonce"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil || claims.Issuer != s.Config.Issuer || !isAudience(claims.Audience, client.ConsoleID) {
		return nil, errNotForConsole
	}
	return &adminconsole.Identity{Subject: claims.Subject, SessionID: claims.SessionID, Nonce: claims.Nonce}, nil
}

var errNotForConsole = errors.New("the ID token is not for the console")

// isAudience reports whether the aud claim, a string or an array, names the client alone.
func isAudience(aud any, clientID string) bool {
	if list, ok := aud.([]any); ok {
		return slices.Equal(list, []any{clientID})
	}
	return aud == clientID
}

// memoryResponse is a response that stays in this process.
type memoryResponse struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements [http.ResponseWriter].
func (m *memoryResponse) Header() http.Header { return m.header }

// WriteHeader implements [http.ResponseWriter].
func (m *memoryResponse) WriteHeader(status int) { m.status = status }

// Write implements [http.ResponseWriter].
func (m *memoryResponse) Write(b []byte) (int, error) { return m.body.Write(b) }
