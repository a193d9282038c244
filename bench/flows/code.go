package flows

import (
	"errors"
	"net/url"

	"github.com/ostiary/ostiary/bench/load"
	"github.com/ostiary/ostiary/bench/target"
	"github.com/ostiary/ostiary/bench/wire"
)

// webApp is the Web client's own program: it exchanges codes and refreshes.
type webApp struct {
	conn  *wire.Conn
	token target.Endpoint
	basic wire.Header
}

// tokens is what an exchange gives.
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
	return w.redeem("exchange a code", "grant_type=authorization_code&redirect_uri="+url.QueryEscape(target.RedirectURI)+
		"&code="+url.QueryEscape(c.Code)+"&code_verifier="+c.Verifier)
}

// refresh redeems a refresh token (RFC 6749 section 6).
func (w *webApp) refresh(token string) (*tokens, error) {
	return w.redeem("refresh", "grant_type=refresh_token&refresh_token="+url.QueryEscape(token))
}

func (w *webApp) redeem(what, form string) (*tokens, error) {
	var got tokens
	err := send(w.conn, w.conn.Post(w.token.Target, form, w.basic), what, func(answer *wire.Response) bool {
		got = tokens{wire.Text(answer.Body, "access_token"), wire.Text(answer.Body, "refresh_token")}
		return got.access != "" && got.refresh != "" && wire.Has(answer.Body, "id_token")
	})
	return &got, err
}

// visitor is a person at a browser and the client's program behind it.
type visitor struct {
	browser *target.Browser
	app     *webApp
}

func newVisitor(t *target.Target, i int) (*visitor, error) {
	if len(t.Users) == 0 {
		return nil, errors.New("nobody to sign in: the target names no users")
	}
	browser, err := t.NewBrowser(t.Users[i%len(t.Users)])
	if err != nil {
		return nil, err
	}
	app, err := newWebApp(t)
	if err != nil {
		return nil, err
	}
	return &visitor{browser, app}, nil
}

// arrive returns a visitor who is signed in and has consented for good.
func arrive(t *target.Target, i int) (*visitor, error) {
	v, err := newVisitor(t, i)
	if err != nil {
		return nil, err
	}
	v.browser.Remember = true
	_, err = persist(v.browser.Authorize)
	return v, err
}

// visit goes the whole way to tokens.
func (v *visitor) visit() (*tokens, error) {
	code, err := v.browser.Authorize()
	if err != nil {
		return nil, err
	}
	return v.app.exchange(code)
}

func (v *visitor) close() {
	v.browser.Close()
	v.app.conn.Close()
}

// signIn is the code flow of somebody who was never here: every operation begins
// without cookies.
func signIn(t *target.Target) (*Course, error) {
	return &Course{Caller: func(i int) (load.Caller, error) {
		v, err := newVisitor(t, i)
		if err != nil {
			return nil, err
		}
		return caller(func() error {
			v.browser.Forget()
			_, err := v.visit()
			return err
		}), nil
	}}, nil
}

// signedIn is the code flow of somebody who is signed in and is asked nothing.
func signedIn(t *target.Target) (*Course, error) {
	return &Course{Caller: func(i int) (load.Caller, error) {
		v, err := arrive(t, i)
		if err != nil {
			return nil, err
		}
		return caller(func() error {
			_, err := v.visit()
			return err
		}), nil
	}}, nil
}

// exchange is the exchange of codes that were got beforehand.
func exchange(t *target.Target) (*Course, error) {
	people := &regulars{target: t}
	shelf := &stock[*target.Code]{}
	fill := func(n int) error {
		return shelf.fill(n, preparers, func(i int) (func() (*target.Code, error), error) {
			v, err := people.get(i)
			if err != nil {
				return nil, err
			}
			return v.browser.Authorize, nil
		})
	}
	return &Course{Stock: fill, Close: people.close, Caller: func(int) (load.Caller, error) {
		app, err := newWebApp(t)
		if err != nil {
			return nil, err
		}
		return caller(func() error {
			code, err := shelf.take()
			if err != nil {
				return err
			}
			_, err = app.exchange(code)
			return err
		}), nil
	}}, nil
}

// refresh is a chain of refreshes, each with the newest token. A chain that broke
// is begun anew, since nothing else can follow.
func refresh(t *target.Target) (*Course, error) {
	return &Course{Caller: func(i int) (load.Caller, error) {
		v, err := arrive(t, i)
		if err != nil {
			return nil, err
		}
		held, err := persist(v.visit)
		if err != nil {
			return nil, err
		}
		return caller(func() error {
			next, err := v.app.refresh(held.refresh)
			if err == nil {
				held = next
				return nil
			}
			if _, refused := errors.AsType[*load.RefusedError](err); refused {
				return err // the token is as good as before
			}
			if anew, failed := v.visit(); failed == nil {
				held = anew
			}
			return err
		}), nil
	}}, nil
}
