package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	attemptLifetime = 10 * time.Minute
	maxAge          = 10 * time.Second
	clockSkew       = 5 * time.Second
)

// attempt is a sign-in that has left for the provider and not come back yet. It
// is kept under its state.
type attempt struct {
	browser  string // the cookie of the browser that left
	nonce    string
	verifier string
	ask      string
	subject  string // who has to come back; empty if it may be anyone
	left     time.Time
}

// signIn serves GET and POST /signin: off to the provider. The parameter ask is
// empty, or one of fresh, maxage, choose, create and silent.
//
// Spec: OpenID Connect Core §3.1.2.1; RFC 7636 §4.
func (a *app) signIn(w http.ResponseWriter, r *http.Request) error {
	_, conn, err := a.provider.connect(r.Context())
	if err != nil {
		return err
	}
	try := attempt{
		browser:  a.browser(w, r),
		nonce:    rand.Text(),
		verifier: oauth2.GenerateVerifier(),
		ask:      r.URL.Query().Get("ask"),
		left:     a.cfg.Now(),
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(try.nonce), oauth2.S256ChallengeOption(try.verifier)}
	switch try.ask {
	case "":
	case "fresh":
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"))
	case "maxage":
		options = append(options, oauth2.SetAuthURLParam("max_age", fmt.Sprint(maxAge.Seconds())))
	case "choose":
		options = append(options, oauth2.SetAuthURLParam("prompt", "select_account"))
	case "create":
		options = append(options, oauth2.SetAuthURLParam("prompt", "create"))
	case "silent":
		options = append(options, oauth2.SetAuthURLParam("prompt", "none"))
		if v := a.session(r); v != nil {
			id := v.identity()
			try.subject = id.Subject
			options = append(options, oauth2.SetAuthURLParam("id_token_hint", id.raw))
		}
	default:
		return &refusal{
			status: http.StatusBadRequest, title: "This app cannot ask for that",
			advice: "It knows five special ways to sign in: fresh, maxage, choose, create and silent.",
		}
	}
	state := rand.Text()
	a.attempts.put(state, try)
	http.Redirect(w, r, conn.oauth.AuthCodeURL(state, options...), http.StatusSeeOther)
	return nil
}

// callback serves GET /callback: back from the provider.
//
// Spec: OpenID Connect Core §3.1.2.5, §3.1.2.6, §3.1.3; RFC 9207 §2.4.
func (a *app) callback(w http.ResponseWriter, r *http.Request) error {
	ctx, conn, err := a.provider.connect(r.Context())
	if err != nil {
		return err
	}
	// The state comes first: before it is known to be ours, nothing else in
	// the address deserves to be read.
	answer := r.URL.Query()
	try, ok := a.attempts.take(answer.Get("state"))
	if !ok || !a.isBrowser(r, try.browser) {
		return &refusal{
			status: http.StatusBadRequest, title: "This sign-in did not start here",
			advice: "The answer carries a state that this browser was not given, or that was used before. It may also have taken too long. Nothing changed here.",
		}
	}
	issuer, said := answer.Get("iss"), answer.Has("iss")
	if issuer != a.cfg.Issuer && (said || conn.endpoint.SaysIssuer) {
		return &refusal{
			status: http.StatusBadRequest, title: "The answer came from another provider",
			advice: "It does not name the issuer this app asked, so it was not followed. Nothing changed here.",
		}
	}
	if code := answer.Get("error"); code != "" {
		return isDeclined(code, answer.Get("error_description"))
	}

	v, err := a.redeem(ctx, conn, try, answer.Get("code"))
	if err != nil {
		return &refusal{
			status: http.StatusBadGateway, title: "The sign-in could not be completed",
			advice: "The provider sent you back, but what it then said did not hold. Nothing changed here.",
			code:   protocolCode(err), err: err,
		}
	}
	a.greeting(w, r, v)
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// redeem turns a code into a visit: everything the provider says about the
// person is checked here, before anybody is signed in.
func (a *app) redeem(ctx context.Context, conn *connection, try attempt, code string) (*session, error) {
	token, err := conn.oauth.Exchange(ctx, code, oauth2.VerifierOption(try.verifier))
	if err != nil {
		return nil, fmt.Errorf("exchange code: %w", err)
	}
	id, err := conn.verify(ctx, token)
	if err != nil {
		return nil, err
	}
	if id.Nonce != try.nonce {
		return nil, errors.New("the ID token carries another nonce than this sign-in")
	}
	if try.subject != "" && id.Subject != try.subject {
		return nil, errors.New("the provider answered for another person")
	}
	if err := recent(id, try); err != nil {
		return nil, err
	}
	info, err := conn.userinfo(ctx, token, id.Subject)
	if err != nil {
		return nil, err
	}
	return &session{since: a.cfg.Now(), ask: try.ask, token: token, id: id, userinfo: info}, nil
}

// recent holds the provider to the freshness that was asked for: a request is
// no more than a wish until auth_time confirms it.
//
// Spec: OpenID Connect Core §3.1.3.7, steps 12 and 13.
func recent(id *identity, try attempt) error {
	earliest := try.left.Add(-clockSkew)
	switch try.ask {
	case "fresh":
		if id.more.AuthTime == 0 {
			return nil // not every provider says when, unless asked with max_age
		}
	case "maxage":
		earliest = earliest.Add(-maxAge)
	default:
		return nil
	}
	if time.Unix(id.more.AuthTime, 0).Before(earliest) {
		return errors.New("the sign-in is older than was asked for")
	}
	return nil
}

// declined explains an error answer of the authorization endpoint.
//
// Spec: RFC 6749 §4.1.2.1; OpenID Connect Core §3.1.2.6.
func isDeclined(code, description string) error {
	no := &refusal{status: http.StatusBadRequest, title: "The provider said no", code: code}
	switch code {
	case "access_denied":
		no.status, no.title = http.StatusForbidden, "You did not let this app in"
		no.advice = "That is fine: nothing was shared, and nothing changed here."
	case "login_required":
		no.title = "Nobody is signed in at the provider"
		no.advice = "This app asked for an answer without a page, and the provider would have had to ask who you are."
	case "consent_required", "interaction_required", "account_selection_required":
		no.title = "The provider would have to ask you something"
		no.advice = "This app asked for an answer without a page, and that was not possible."
	case "temporarily_unavailable", "server_error":
		no.status, no.title = http.StatusBadGateway, "The provider has trouble"
		no.advice = "It could not sign you in just now. Please try again in a moment."
	default:
		no.advice = "It did not accept the request of this app. The words below are its own."
	}
	if description != "" {
		no.err = errors.New(description)
	}
	return no
}

// protocolCode is the error code of a refused token request, if that is what err is.
func protocolCode(err error) string {
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return refused.ErrorCode
	}
	return ""
}
