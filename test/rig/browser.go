package rig

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
)

// Browser is somebody at a browser that has neither a screen nor script: they read
// the pages, fill in the forms and follow the redirects. One person does one
// thing at a time.
type Browser struct {
	User User
	// Remember ticks the boxes that make a sign-in and a consent last.
	Remember bool
	// Deny presses the other button on the consent page.
	Deny bool
	// SubmitForms presses the buttons on pages of applications too.
	SubmitForms bool
	// NoFetchMetadata is a browser that sends no Fetch Metadata, as all did before 2020 to 2023.
	NoFetchMetadata bool

	endpoint *Endpoint
	http     *http.Client
}

// NewBrowser seats a person at a fresh browser.
func NewBrowser(place *Endpoint, user User) *Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // only a faulty list of suffixes is refused
	}
	browser := *place.HTTP
	browser.Jar = jar
	return &Browser{User: user, endpoint: place, http: &browser}
}

// Authorization is how an authorization request ended at the client.
type Authorization struct {
	Code, State, Issuer string
	Error, Description  string
	Verifier            string   // of the code
	SentState           string   // to compare with State
	Pages               []string // that the person saw: signin, consent
}

// Authorize goes to the authorization endpoint as the client sends people there,
// and on through the pages until the answer comes back to the client (RFC 6749
// section 4.1, RFC 7636). More holds further parameters, an empty one takes a
// usual one away.
func (p *Browser) Authorize(ctx context.Context, c *Client, more url.Values) (*Authorization, error) {
	a := &Authorization{Verifier: randomText(), SentState: randomText()}
	challenge := sha256.Sum256([]byte(a.Verifier))
	query := url.Values{
		"response_type": {"code"}, "client_id": {c.ID}, "redirect_uri": {c.RedirectURI}, "scope": {c.Scope},
		"state": {a.SentState}, "nonce": {randomText()},
		"code_challenge": {encode(challenge[:])}, "code_challenge_method": {"S256"},
	}
	for name, values := range more {
		query[name] = values
		if len(values) == 1 && values[0] == "" {
			query.Del(name)
		}
	}
	if query.Get("code_challenge") == "" {
		a.Verifier = ""
	}
	a.SentState = query.Get("state")
	return a, p.follow(ctx, c, p.endpoint.Issuer+"/oauth2/auth?"+query.Encode(), a)
}

// maxSteps is how many requests a sign-in may take before it must be a circle.
const maxSteps = 12

func (p *Browser) follow(ctx context.Context, c *Client, address string, a *Authorization) error {
	form := url.Values(nil)
	for range maxSteps {
		resp := p.Open(ctx, address, form)
		if resp.Err != nil {
			return resp.Err
		}
		form = nil
		if resp.Status == http.StatusSeeOther {
			var err error
			if address, err = resolve(address, resp.Header.Get("Location")); err != nil {
				return err
			}
			if strings.HasPrefix(address, c.RedirectURI) {
				return a.read(address)
			}
			continue
		}
		page, err := readPage(resp.Body)
		if err != nil {
			return err
		}
		switch {
		case page.form == nil || page.errorID != "":
			return fmt.Errorf("%s: a page with status %d: %s", path(address), resp.Status, page.visibleText())
		case strings.HasPrefix(page.form.action, c.RedirectURI):
			a.take(page.form.fields)
			return nil
		}
		if form, err = p.fill(page, a); err != nil {
			return err
		}
		if address, err = resolve(address, page.form.action); err != nil {
			return err
		}
	}
	return errors.New("sign in: going in circles")
}

// fill answers what a page asks.
func (p *Browser) fill(page *page, a *Authorization) (url.Values, error) {
	form := page.form.fields
	if p.Remember {
		form.Set("remember", "on")
	}
	switch {
	case page.has("login"):
		a.Pages = append(a.Pages, "signin")
		form.Set("username", p.User.Username)
		form.Set("password", p.User.Password)
	case page.has("accept"):
		a.Pages = append(a.Pages, "consent")
		form.Set("decision", "accept")
		if p.Deny {
			form.Set("decision", "deny")
		}
	default:
		return nil, fmt.Errorf("a page that nobody knows: %s", page.visibleText())
	}
	return form, nil
}

// Open fetches an address of the server, or sends a form to it as a page of the
// server's would, and follows nothing.
func (p *Browser) Open(ctx context.Context, address string, form url.Values) *Response {
	browser := Endpoint{URL: address, HTTP: p.http}
	method, header := http.MethodGet, http.Header{}
	if form != nil {
		method = http.MethodPost
		header.Set("Origin", origin(p.endpoint.Issuer))
		if !p.NoFetchMetadata {
			header.Set("Sec-Fetch-Site", "same-origin")
		}
	}
	return browser.Do(ctx, method, "", form, header)
}

// Cookies returns the values that the browser keeps for the server.
func (p *Browser) Cookies() []*http.Cookie {
	u, err := url.Parse(p.endpoint.Issuer)
	if err != nil {
		return nil
	}
	return p.http.Jar.Cookies(u)
}

// read takes the answer out of the URL that the client was called with.
func (a *Authorization) read(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	query := u.RawQuery
	if u.Fragment != "" {
		query = u.EscapedFragment()
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	a.take(values)
	return nil
}

func (a *Authorization) take(values url.Values) {
	a.Code, a.State, a.Issuer = values.Get("code"), values.Get("state"), values.Get("iss")
	a.Error, a.Description = values.Get("error"), values.Get("error_description")
}

func resolve(base, reference string) (string, error) {
	from, err := url.Parse(base)
	if err != nil {
		return "", fmt.Errorf("follow: %w", err)
	}
	to, err := from.Parse(reference)
	if err != nil {
		return "", fmt.Errorf("follow: %w", err)
	}
	return to.String(), nil
}

// origin is that of an address, as browsers write it.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "null"
	}
	return u.Scheme + "://" + u.Host
}

// path is an address without what may be a credential.
func path(address string) string {
	before, _, _ := strings.Cut(address, "?")
	return before
}
