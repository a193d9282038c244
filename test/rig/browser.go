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

// Browser is a browser without screen and JavaScript, used by one user: it follows
// redirects and submits forms. Only one goroutine may use it at a time.
type Browser struct {
	User User
	// Remember ticks the boxes to remember the sign-in and the consent.
	Remember bool
	// Deny denies the consent.
	Deny bool
	// SubmitForms also submits forms on pages of applications.
	SubmitForms bool
	// NoFetchMetadata omits the Fetch Metadata headers, as browsers before 2023.
	NoFetchMetadata bool

	endpoint *Endpoint
	http     *http.Client
}

// NewBrowser returns a browser without cookies.
func NewBrowser(endpoint *Endpoint, user User) *Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // only for an invalid public suffix list
	}
	client := *endpoint.HTTP
	client.Jar = jar
	return &Browser{User: user, endpoint: endpoint, http: &client}
}

// Authorization is the outcome of an authorization request.
type Authorization struct {
	Code, State, Issuer string
	Error, Description  string
	Response            string   // a JWT with all of them (JARM), in place of them
	Verifier            string   // of the code
	SentState           string   // to compare with State
	Pages               []string // that were shown: signin, consent
}

// Authorize sends an authorization request of the client and submits the pages until
// the authorization response (RFC 6749 section 4.1, RFC 7636). More has additional
// parameters; an empty value removes a default parameter.
func (b *Browser) Authorize(ctx context.Context, c *Client, more url.Values) (*Authorization, error) {
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
	return a, b.follow(ctx, c, b.endpoint.Issuer+"/oauth2/auth?"+query.Encode(), a)
}

// maxSteps is the maximum number of requests of a sign-in, to detect loops.
const maxSteps = 12

func (b *Browser) follow(ctx context.Context, c *Client, address string, a *Authorization) error {
	form := url.Values(nil)
	for range maxSteps {
		resp := b.Open(ctx, address, form)
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
		if form, err = b.fill(page, a); err != nil {
			return err
		}
		if address, err = resolve(address, page.form.action); err != nil {
			return err
		}
	}
	return errors.New("sign in: too many redirects")
}

// fill fills in the form of a page.
func (b *Browser) fill(page *page, a *Authorization) (url.Values, error) {
	form := page.form.fields
	if b.Remember {
		form.Set("remember", "on")
	}
	switch {
	case page.has("login"):
		a.Pages = append(a.Pages, "signin")
		form.Set("username", b.User.Username)
		form.Set("password", b.User.Password)
	case page.has("accept"):
		a.Pages = append(a.Pages, "consent")
		form.Set("decision", "accept")
		if b.Deny {
			form.Set("decision", "deny")
		}
	case page.has("device-accept"):
		a.Pages = append(a.Pages, "device")
		form.Set("decision", "continue")
	default:
		return nil, fmt.Errorf("unknown page: %s", page.visibleText())
	}
	return form, nil
}

// Open requests an address of the server, or submits a form to it as a page of the
// server would, and does not follow redirects.
func (b *Browser) Open(ctx context.Context, address string, form url.Values) *Response {
	browser := Endpoint{URL: address, HTTP: b.http}
	method, header := http.MethodGet, http.Header{}
	if form != nil {
		method = http.MethodPost
		header.Set("Origin", origin(b.endpoint.Issuer))
		if !b.NoFetchMetadata {
			header.Set("Sec-Fetch-Site", "same-origin")
		}
	}
	return browser.Do(ctx, method, "", form, header)
}

// Cookies returns the cookies of the server.
func (b *Browser) Cookies() []*http.Cookie {
	u, err := url.Parse(b.endpoint.Issuer)
	if err != nil {
		return nil
	}
	return b.http.Jar.Cookies(u)
}

// read parses the authorization response in the URL of the client.
func (a *Authorization) read(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("read the authorization response: %w", err)
	}
	query := u.RawQuery
	if u.Fragment != "" {
		query = u.EscapedFragment()
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return fmt.Errorf("read the authorization response: %w", err)
	}
	a.take(values)
	return nil
}

func (a *Authorization) take(values url.Values) {
	a.Code, a.State, a.Issuer = values.Get("code"), values.Get("state"), values.Get("iss")
	a.Error, a.Description = values.Get("error"), values.Get("error_description")
	a.Response = values.Get("response")
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

// origin returns the origin of an address, as browsers send it.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "null"
	}
	return u.Scheme + "://" + u.Host
}

// path returns an address without its query, which may have credentials.
func path(address string) string {
	before, _, _ := strings.Cut(address, "?")
	return before
}
