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

// attempt is a sign-in that was redirected to the provider and has not returned. Its key is
// its state.
type attempt struct {
	browser  string // the ID of the browser
	nonce    string
	verifier string
	ask      string
	subject  string // the expected subject; empty for any
	left     time.Time
}

// signIn serves GET and POST /signin: it redirects to the provider. The parameter ask is empty
// or one of fresh, maxage, choose, create and silent.
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
			status: http.StatusBadRequest, title: "Unknown kind of sign-in",
			advice: "The parameter ask must be fresh, maxage, choose, create or silent.",
		}
	}
	state := rand.Text()
	a.attempts.put(state, try)
	http.Redirect(w, r, conn.oauth.AuthCodeURL(state, options...), http.StatusSeeOther)
	return nil
}

// callback serves GET /callback, the redirect URI.
//
// Spec: OpenID Connect Core §3.1.2.5, §3.1.2.6, §3.1.3; RFC 9207 §2.4.
func (a *app) callback(w http.ResponseWriter, r *http.Request) error {
	ctx, conn, err := a.provider.connect(r.Context())
	if err != nil {
		return err
	}
	// The state is checked first: the rest of the response is ignored unless the state belongs
	// to this browser.
	answer := r.URL.Query()
	try, ok := a.attempts.take(answer.Get("state"))
	if !ok || !a.isBrowser(r, try.browser) {
		return &refusal{
			status: http.StatusBadRequest, title: "This sign-in did not start here",
			advice: "The state in the response is unknown, used or expired, or was issued to another browser. Nothing was changed. Start again.",
		}
	}
	issuer, present := answer.Get("iss"), answer.Has("iss")
	if issuer != a.cfg.Issuer && (present || conn.endpoint.SaysIssuer) {
		return &refusal{
			status: http.StatusBadRequest, title: "The response came from another provider",
			advice: "Its issuer is not the one that this app uses. Nothing was changed.",
		}
	}
	if code := answer.Get("error"); code != "" {
		return errorPage(code, answer.Get("error_description"))
	}

	v, err := a.redeem(ctx, conn, try, answer.Get("code"))
	if err != nil {
		return &refusal{
			status: http.StatusBadGateway, title: "The sign-in could not be completed",
			advice: "The token response of the provider failed the checks. Nothing was changed.",
			code:   protocolCode(err), err: err,
		}
	}
	a.startSession(w, r, v)
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// redeem exchanges a code for a session. It checks the ID token and the userinfo response
// before it returns.
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
		return nil, errors.New("the nonce of the ID token differs from that of this sign-in")
	}
	if try.subject != "" && id.Subject != try.subject {
		return nil, errors.New("the ID token is for another user")
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

// recent checks auth_time, which shows whether the provider obeyed prompt=login or max_age.
//
// Spec: OpenID Connect Core §3.1.3.7, steps 12 and 13.
func recent(id *identity, try attempt) error {
	earliest := try.left.Add(-clockSkew)
	switch try.ask {
	case "fresh":
		if id.more.AuthTime == 0 {
			return nil // not every provider includes auth_time without max_age
		}
	case "maxage":
		earliest = earliest.Add(-maxAge)
	default:
		return nil
	}
	if time.Unix(id.more.AuthTime, 0).Before(earliest) {
		return errors.New("the sign-in is older than requested")
	}
	return nil
}

// errorPage returns the error page for an error response of the authorization endpoint.
//
// Spec: RFC 6749 §4.1.2.1; OpenID Connect Core §3.1.2.6.
func errorPage(code, description string) error {
	no := &refusal{status: http.StatusBadRequest, title: "The provider rejected the request", code: code}
	switch code {
	case "access_denied":
		no.status, no.title = http.StatusForbidden, "You denied access"
		no.advice = "No data was shared."
	case "login_required":
		no.title = "You are not signed in at the provider"
		no.advice = "This app requested a response without a page, but the provider must show its sign-in page."
	case "consent_required", "interaction_required", "account_selection_required":
		no.title = "The provider must ask you a question"
		no.advice = "This app requested a response without a page, but the provider must show one."
	case "temporarily_unavailable", "server_error":
		no.status, no.title = http.StatusBadGateway, "The provider is unavailable"
		no.advice = "Sign-in is not possible at the moment. Try again later."
	default:
		no.advice = "The provider did not accept the request of this app. Its error is shown below."
	}
	if description != "" {
		no.err = errors.New(description)
	}
	return no
}

// protocolCode returns the error code of a rejected token request, or "".
func protocolCode(err error) string {
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return refused.ErrorCode
	}
	return ""
}
