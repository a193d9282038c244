package perform

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// AuthorizationOptions configures the authorization request.
type AuthorizationOptions struct {
	Prompt    string
	MaxAge    *int64 // seconds
	LoginHint string
	ACRValues string
	// Listen is the address of the callback. The redirect URI is derived from it, unless
	// RedirectURI is set.
	Listen      string
	RedirectURI string
	Open        func(address string) error // opens a browser; nil if the user does
}

// callbackPath is the path of the redirect URI.
const callbackPath = "/callback"

// AuthorizationCode sends the user to the server, waits for the response at the redirect URI
// and exchanges the code.
func (c *Client) AuthorizationCode(ctx context.Context, options AuthorizationOptions) (*Tokens, error) {
	ctx, p, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", options.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for the response: %w", err)
	}
	p.oauth.RedirectURL = options.RedirectURI
	if options.RedirectURI == "" {
		p.oauth.RedirectURL = "http://" + listener.Addr().String() + callbackPath
	}
	back, err := newCallback(p.oauth.RedirectURL)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	server := &http.Server{Handler: back, ReadHeaderTimeout: requestTimeout}
	go server.Serve(listener) //nolint:errcheck // Close ends it
	defer func() {
		// The browser still loads the last page.
		ending, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer stop()
		_ = server.Shutdown(ending)
	}()

	verifier := oauth2.GenerateVerifier()
	address := p.oauth.AuthCodeURL(back.state, append(p.parameters(options), oidc.Nonce(back.nonce), oauth2.S256ChallengeOption(verifier))...)
	_, _ = fmt.Fprintf(c.Messages, "Open this address to sign in:\n\n  %s\n\nThe answer is awaited at %s.\n", address, p.oauth.RedirectURL)
	if options.Open != nil {
		if err := options.Open(address); err != nil {
			_, _ = fmt.Fprintf(c.Messages, "No browser could be opened: %v\n", err)
		}
	}
	answer, err := p.awaitResponse(ctx, back)
	if err != nil {
		return nil, err
	}
	token, err := p.oauth.Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		return nil, fmt.Errorf("exchange code: %w", responseError(err))
	}
	return p.tokens(ctx, token, back.nonce)
}

func (p *connection) parameters(options AuthorizationOptions) []oauth2.AuthCodeOption {
	var parameters []oauth2.AuthCodeOption
	set := func(name, value string) {
		if value != "" {
			parameters = append(parameters, oauth2.SetAuthURLParam(name, value))
		}
	}
	set("prompt", options.Prompt)
	set("login_hint", options.LoginHint)
	set("acr_values", options.ACRValues)
	if options.MaxAge != nil {
		set("max_age", strconv.FormatInt(*options.MaxAge, 10))
	}
	for _, audience := range p.Audience {
		set("audience", audience)
	}
	return parameters
}

// awaitResponse waits for the authorization response at the redirect URI.
func (p *connection) awaitResponse(ctx context.Context, back *callback) (url.Values, error) {
	patience := time.NewTimer(p.Timeout)
	defer patience.Stop()
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-patience.C:
		return nil, fmt.Errorf("no response within %s", p.Timeout)
	case answer := <-back.answers:
		issuer, hasIssuer := answer.Get("iss"), answer.Has("iss")
		if issuer != p.Issuer && (hasIssuer || p.metadata.SendsIssuer) {
			return nil, errors.New("iss in the response is not the issuer")
		}
		if code := answer.Get("error"); code != "" {
			return nil, readResponse(code, answer.Get("error_description"))
		}
		return answer, nil
	}
}

// callback receives the authorization response.
type callback struct {
	path         string
	state, nonce string
	answers      chan url.Values
}

func newCallback(redirectURI string) (*callback, error) {
	at, err := url.Parse(redirectURI)
	if err != nil {
		return nil, fmt.Errorf("the redirect URI is not usable: %w", err)
	}
	path := at.Path
	if path == "" {
		path = "/"
	}
	return &callback{path: path, state: rand.Text(), nonce: rand.Text(), answers: make(chan url.Values, 1)}, nil
}

// ServeHTTP accepts the first response with the state.
func (b *callback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := r.URL.Query()
	if r.Method == http.MethodPost && r.ParseForm() == nil {
		answer = r.PostForm
	}
	shown := page{http.StatusOK, "Response received", "You can close this page and return to the terminal."}
	switch {
	case r.URL.Path != b.path:
		shown = page{http.StatusNotFound, "Page not found", "This is not the redirect URI."}
	case answer.Get("state") != b.state:
		shown = page{http.StatusBadRequest, "Invalid response", "The state in the response was not sent by this client."}
	default:
		select {
		case b.answers <- answer:
		default:
			shown = page{http.StatusBadRequest, "Response already received", "Only the first response is used."}
		}
		if code := answer.Get("error"); code != "" && shown.Status == http.StatusOK {
			shown = page{http.StatusOK, "The server returned an error", "The error code is " + code + ". You can close this page and return to the terminal."}
		}
	}
	shown.write(w)
}

type page struct {
	Status      int
	Title, Text string
}

func (p page) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_ = layout().Execute(w, p) // a closed connection needs no page
}

func layout() *template.Template {
	return template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{.Title}}</title>
<style>:root{color-scheme:light dark;font:1.1rem/1.5 system-ui,sans-serif}main{max-width:32rem;margin:20vh auto 0;padding:0 1.5rem}</style>
<main><h1>{{.Title}}</h1><p>{{.Text}}</p></main></html>
`))
}
