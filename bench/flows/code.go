package flows

import (
	"errors"
	"net/url"

	"github.com/ostiary/ostiary/bench/load"
	"github.com/ostiary/ostiary/bench/target"
	"github.com/ostiary/ostiary/bench/wire"
)

// webApp is the backend of the Web client: it exchanges codes and refresh tokens.
type webApp struct {
	conn  *wire.Conn
	token target.Endpoint
	basic wire.Header
}

// tokens are the tokens of a token response.
type tokens struct{ access, refresh string }

func newWebApp(t *target.Target) (*webApp, error) {
	client, at, err := clientAt(t, target.Web, t.Endpoints.Token)
	if err != nil {
		return nil, err
	}
	return &webApp{wire.New(at.URL), at, wire.Basic(client.ID, client.Secret)}, nil
}

// exchange redeems a code (RFC 6749 section 4.1.3).
func (w *webApp) exchange(c *target.Code) (*tokens, error) {
	return w.requestTokens("exchange a code", "grant_type=authorization_code&redirect_uri="+url.QueryEscape(target.RedirectURI)+
		"&code="+url.QueryEscape(c.Code)+"&code_verifier="+c.Verifier)
}

// refresh redeems a refresh token (RFC 6749 section 6).
func (w *webApp) refresh(token string) (*tokens, error) {
	return w.requestTokens("refresh", "grant_type=refresh_token&refresh_token="+url.QueryEscape(token))
}

func (w *webApp) requestTokens(operation, form string) (*tokens, error) {
	var got tokens
	err := send(w.conn, w.conn.Post(w.token.Target, form, w.basic), operation, func(r *wire.Response) bool {
		got = tokens{wire.Text(r.Body, "access_token"), wire.Text(r.Body, "refresh_token")}
		return got.access != "" && got.refresh != "" && wire.Has(r.Body, "id_token")
	})
	return &got, err
}

// userAgent is the browser of a user, with the backend of the client.
type userAgent struct {
	browser *target.Browser
	app     *webApp
}

func newUserAgent(t *target.Target, i int) (*userAgent, error) {
	if len(t.Users) == 0 {
		return nil, errors.New("the description of the target has no users")
	}
	browser, err := t.NewBrowser(t.Users[i%len(t.Users)])
	if err != nil {
		return nil, err
	}
	app, err := newWebApp(t)
	if err != nil {
		return nil, err
	}
	return &userAgent{browser, app}, nil
}

// newSignedInAgent returns a browser with a session and a remembered consent.
func newSignedInAgent(t *target.Target, i int) (*userAgent, error) {
	v, err := newUserAgent(t, i)
	if err != nil {
		return nil, err
	}
	v.browser.Remember = true
	_, err = retryWhileRefused(v.browser.Authorize)
	return v, err
}

// authorize runs the code flow up to the token response.
func (v *userAgent) authorize() (*tokens, error) {
	code, err := v.browser.Authorize()
	if err != nil {
		return nil, err
	}
	return v.app.exchange(code)
}

func (v *userAgent) close() {
	v.browser.Close()
	v.app.conn.Close()
}

// codeSignIn is the code flow of a new browser: every operation starts without
// cookies.
func codeSignIn(t *target.Target) (*Workload, error) {
	return &Workload{Caller: func(i int) (load.Caller, error) {
		v, err := newUserAgent(t, i)
		if err != nil {
			return nil, err
		}
		return callerFunc(func() error {
			v.browser.ClearCookies()
			_, err := v.authorize()
			return err
		}), nil
	}}, nil
}

// codeSession is the code flow of a signed-in user, without any page.
func codeSession(t *target.Target) (*Workload, error) {
	return &Workload{Caller: func(i int) (load.Caller, error) {
		v, err := newSignedInAgent(t, i)
		if err != nil {
			return nil, err
		}
		return callerFunc(func() error {
			_, err := v.authorize()
			return err
		}), nil
	}}, nil
}

// codeExchange is the exchange of codes that were issued during preparation.
func codeExchange(t *target.Target) (*Workload, error) {
	users := &sessions{target: t}
	codes := &pool[*target.Code]{}
	fill := func(n int) error {
		return codes.fill(n, preparers, func(i int) (func() (*target.Code, error), error) {
			v, err := users.get(i)
			if err != nil {
				return nil, err
			}
			return v.browser.Authorize, nil
		})
	}
	return &Workload{Prepare: fill, Close: users.close, Caller: func(int) (load.Caller, error) {
		app, err := newWebApp(t)
		if err != nil {
			return nil, err
		}
		return callerFunc(func() error {
			code, err := codes.take()
			if err != nil {
				return err
			}
			_, err = app.exchange(code)
			return err
		}), nil
	}}, nil
}

// refresh is a chain of refreshes, each with the newest token. After an error the
// caller starts a new chain.
func refresh(t *target.Target) (*Workload, error) {
	return &Workload{Caller: func(i int) (load.Caller, error) {
		v, err := newSignedInAgent(t, i)
		if err != nil {
			return nil, err
		}
		current, err := retryWhileRefused(v.authorize)
		if err != nil {
			return nil, err
		}
		return callerFunc(func() error {
			next, err := v.app.refresh(current.refresh)
			if err == nil {
				current = next
				return nil
			}
			if _, refused := errors.AsType[*load.RefusedError](err); refused {
				return err // the refresh token is still valid
			}
			if started, failed := v.authorize(); failed == nil {
				current = started
			}
			return err
		}), nil
	}}, nil
}
