package target

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/ostiary/ostiary/bench/load"
	"github.com/ostiary/ostiary/bench/wire"
)

// Browser is a browser without JavaScript: it follows redirects, stores cookies and
// submits forms. Only one goroutine may use it at a time.
type Browser struct {
	// User signs in.
	User User
	// Remember ticks the boxes to remember the sign-in and the consent.
	Remember bool

	target    *Target
	client    *Client
	server    *wire.Conn
	admin     *wire.Conn // of the login app
	authorize Endpoint
	origin    wire.Header
	cookies   jar
}

// Code is an authorization code with its PKCE verifier.
type Code struct{ Code, Verifier string }

// NewBrowser returns a browser in which user signs in to the Web client.
func (t *Target) NewBrowser(user User) (*Browser, error) {
	client, err := t.Client(Web)
	if err != nil {
		return nil, err
	}
	authorize, err := At(t.Endpoints.Authorization)
	if err != nil {
		return nil, err
	}
	b := &Browser{
		User: user, target: t, client: client, authorize: authorize, server: wire.New(authorize.URL),
		origin: wire.Header{Name: "Origin", Value: authorize.URL.Scheme + "://" + authorize.URL.Host},
	}
	if t.LoginApp != nil {
		admin, err := url.Parse(t.LoginApp.Admin)
		if err != nil {
			return nil, fmt.Errorf("read the login app's URL: %w", err)
		}
		b.admin = wire.New(admin)
	}
	return b, nil
}

// ClearCookies deletes all cookies.
func (b *Browser) ClearCookies() { b.cookies = jar{} }

// Close closes the connections.
func (b *Browser) Close() {
	b.server.Close()
	if b.admin != nil {
		b.admin.Close()
	}
}

// maxSteps is the maximum number of requests of a sign-in, to detect loops.
const maxSteps = 16

// Authorize sends an authorization request, signs in and consents if the server
// requires it, and returns the code (RFC 6749 section 4.1, RFC 7636).
func (b *Browser) Authorize() (*Code, error) {
	verifier, state := rand.Text()+rand.Text(), rand.Text()
	challenge := sha256.Sum256([]byte(verifier))
	query := "response_type=code&client_id=" + url.QueryEscape(b.client.ID) + "&redirect_uri=" + url.QueryEscape(RedirectURI) +
		"&scope=" + url.QueryEscape(Scope) + "&state=" + state + "&nonce=" + rand.Text() +
		"&code_challenge_method=S256&code_challenge=" + base64.RawURLEncoding.EncodeToString(challenge[:])
	at, join := b.authorize.URL, "?"
	if at.RawQuery != "" {
		join = "&"
	}
	answer, err := b.get(b.authorize.Target + join + query)
	for range maxSteps {
		if err != nil {
			return nil, err
		}
		switch answer.Status {
		case 302, 303:
			if strings.HasPrefix(answer.Location, RedirectURI) {
				return readCode(answer.Location, state, verifier)
			}
			at, answer, err = b.follow(at, answer.Location)
		case 200:
			at, answer, err = b.submit(at, answer.Body)
		default:
			return nil, ResponseError("a page", answer)
		}
	}
	return nil, fmt.Errorf("sign in: no redirect to the client after %d requests", maxSteps)
}

// follow requests the target of a redirect.
func (b *Browser) follow(from *url.URL, location string) (*url.URL, *wire.Response, error) {
	to, err := from.Parse(location)
	if err != nil {
		return from, nil, fmt.Errorf("follow a redirect: %w", err)
	}
	if to, err = b.actAsLoginApp(to); err != nil {
		return from, nil, err
	}
	answer, err := b.get(wire.Target(to))
	return to, answer, err
}

func (b *Browser) get(target string) (*wire.Response, error) {
	return b.send(b.server.Get(target, b.headers()...))
}

func (b *Browser) headers(more ...wire.Header) []wire.Header {
	if b.cookies.header != "" {
		more = append(more, wire.Header{Name: "Cookie", Value: b.cookies.header})
	}
	return more
}

func (b *Browser) send(request []byte) (*wire.Response, error) {
	answer, err := b.server.Send(request)
	if err != nil {
		return nil, err
	}
	b.cookies.take(answer.SetCookie)
	return answer, nil
}

// submit fills in and submits the form of a page.
func (b *Browser) submit(at *url.URL, page []byte) (*url.URL, *wire.Response, error) {
	f, err := readForm(page)
	if err != nil {
		return at, nil, err
	}
	if err := f.fill(b.User, b.Remember); err != nil {
		return at, nil, err
	}
	to, err := at.Parse(f.action)
	if err != nil {
		return at, nil, fmt.Errorf("follow a form: %w", err)
	}
	answer, err := b.send(b.server.Post(wire.Target(to), f.fields.Encode(), b.headers(b.origin)...))
	return to, answer, err
}

// actAsLoginApp accepts the login or consent request of a redirect to the login app,
// and returns the URL of the next redirect. It returns any other URL unchanged.
func (b *Browser) actAsLoginApp(u *url.URL) (*url.URL, error) {
	if b.target.LoginApp == nil {
		return u, nil
	}
	query := u.Query()
	acceptance := map[string]any{"remember": b.Remember, "remember_for": 0}
	var step string
	switch {
	case query.Has("login_challenge"):
		step, acceptance["subject"] = "login", b.User.Username
	case query.Has("consent_challenge"):
		step, acceptance["grant_scope"] = "consent", strings.Fields(Scope)
	default:
		return u, nil
	}
	document, err := json.Marshal(acceptance)
	if err != nil {
		return nil, fmt.Errorf("accept the %s: %w", step, err)
	}
	admin, err := url.Parse(b.target.LoginApp.Admin)
	if err != nil {
		return nil, fmt.Errorf("read the login app's URL: %w", err)
	}
	path := strings.TrimSuffix(admin.Path, "/") + "/oauth2/auth/requests/" + step + "/accept?" +
		step + "_challenge=" + url.QueryEscape(query.Get(step+"_challenge"))
	response, err := b.admin.Send(b.admin.JSON("PUT", path, string(document)))
	if err != nil || response.Status != 200 {
		return nil, responseError("accept the "+step, response, err)
	}
	return redirectTo(response.Body)
}

// redirectTo returns the member redirect_to of a response of the admin API.
func redirectTo(body []byte) (*url.URL, error) {
	var response struct {
		RedirectTo string `json:"redirect_to"`
	}
	if err := json.Unmarshal(body, &response); err != nil {
		return nil, fmt.Errorf("read redirect_to: %w", err)
	}
	u, err := url.Parse(response.RedirectTo)
	if err != nil {
		return nil, fmt.Errorf("read redirect_to: %w", err)
	}
	return u, nil
}

// readCode returns the code of an authorization response.
func readCode(address, state, verifier string) (*Code, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("read the authorization response: %w", err)
	}
	query := u.Query()
	if query.Get("code") == "" {
		return nil, fmt.Errorf("authorization error %s: %s", query.Get("error"), query.Get("error_description"))
	}
	if query.Get("state") != state {
		return nil, errors.New("the authorization response has a different state")
	}
	return &Code{query.Get("code"), verifier}, nil
}

func responseError(operation string, response *wire.Response, err error) error {
	if err != nil {
		return err
	}
	return ResponseError(operation, response)
}

// ResponseError returns the error for an unexpected response: a [load.RefusedError]
// for 429 and 503, otherwise the status and the text of the body.
func ResponseError(operation string, response *wire.Response) error {
	if response.Status == 429 || response.Status == 503 {
		return &load.RefusedError{Status: response.Status, RetryAfter: response.RetryAfter != ""}
	}
	return fmt.Errorf("%s: %d %s", operation, response.Status, pageText(response.Body))
}
