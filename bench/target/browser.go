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

// Browser is a person's, without script: it follows redirects, keeps cookies and
// fills in forms. It is for one goroutine.
type Browser struct {
	// User is who sits at it.
	User User
	// Remember ticks the boxes that make a sign-in and a consent last.
	Remember bool

	target    *Target
	client    *Client
	server    *wire.Conn
	admin     *wire.Conn // of the login app
	authorize Endpoint
	origin    wire.Header
	cookies   jar
}

// Code is what the client gets, and what it needs to exchange it.
type Code struct{ Code, Verifier string }

// NewBrowser opens a browser, for people that the Web client sends to sign in.
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

// Forget throws the cookies away.
func (b *Browser) Forget() { b.cookies = jar{} }

// Close ends its connections.
func (b *Browser) Close() {
	b.server.Close()
	if b.admin != nil {
		b.admin.Close()
	}
}

// steps is how many requests a sign-in may take before it must be a circle.
const steps = 16

// Authorize goes the way from the authorization endpoint back to the client
// (RFC 6749 section 4.1, RFC 7636).
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
	for range steps {
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
			return nil, Refusal("a page", answer)
		}
	}
	return nil, errors.New("sign in: going in circles")
}

// follow goes where a redirect leads.
func (b *Browser) follow(from *url.URL, location string) (*url.URL, *wire.Response, error) {
	to, err := from.Parse(location)
	if err != nil {
		return from, nil, fmt.Errorf("follow a redirect: %w", err)
	}
	if to, err = b.consult(to); err != nil {
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

// submit fills in the form of a page.
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

// consult does what a login app does when the server sends a person to it, and
// returns where it sends them on. Any other address is returned as it is.
func (b *Browser) consult(u *url.URL) (*url.URL, error) {
	if b.target.LoginApp == nil {
		return u, nil
	}
	query := u.Query()
	answer := map[string]any{"remember": b.Remember, "remember_for": 0}
	var step string
	switch {
	case query.Has("login_challenge"):
		step, answer["subject"] = "login", b.User.Username
	case query.Has("consent_challenge"):
		step, answer["grant_scope"] = "consent", strings.Fields(Scope)
	default:
		return u, nil
	}
	document, err := json.Marshal(answer)
	if err != nil {
		return nil, fmt.Errorf("write the answer: %w", err)
	}
	admin, err := url.Parse(b.target.LoginApp.Admin)
	if err != nil {
		return nil, fmt.Errorf("read the login app's URL: %w", err)
	}
	// It is answered unseen: who it is and what they allow is settled here.
	path := strings.TrimSuffix(admin.Path, "/") + "/oauth2/auth/requests/" + step + "/accept?" +
		step + "_challenge=" + url.QueryEscape(query.Get(step+"_challenge"))
	response, err := b.admin.Send(b.admin.JSON("PUT", path, string(document)))
	if err != nil || response.Status != 200 {
		return nil, failure("accept the "+step, response, err)
	}
	return onward(response.Body)
}

// onward reads where the server wants the person next.
func onward(body []byte) (*url.URL, error) {
	var said struct {
		RedirectTo string `json:"redirect_to"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return nil, fmt.Errorf("read where to go: %w", err)
	}
	u, err := url.Parse(said.RedirectTo)
	if err != nil {
		return nil, fmt.Errorf("read where to go: %w", err)
	}
	return u, nil
}

// readCode takes the code out of the URL that the client was called with.
func readCode(address, state, verifier string) (*Code, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	query := u.Query()
	if query.Get("code") == "" {
		return nil, fmt.Errorf("no code but %s: %s", query.Get("error"), query.Get("error_description"))
	}
	if query.Get("state") != state {
		return nil, errors.New("the answer has another state")
	}
	return &Code{query.Get("code"), verifier}, nil
}

func failure(doing string, answer *wire.Response, err error) error {
	if err != nil {
		return err
	}
	return Refusal(doing, answer)
}

// Refusal is the error of an answer that is not the one wanted.
func Refusal(doing string, answer *wire.Response) error {
	if answer.Status == 429 || answer.Status == 503 {
		return &load.RefusedError{Status: answer.Status, After: answer.RetryAfter != ""}
	}
	return fmt.Errorf("%s: %d %s", doing, answer.Status, words(answer.Body))
}
