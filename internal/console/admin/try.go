package admin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/refusal"
)

const (
	tryCallbackPath = "/try/callback"
	tryCookie       = "ostiary_console_try"
	// actionTry is the audit action of a trial. Its target is the client.
	actionTry = "client.try"
)

// ErrCannotTry reports a client that is unknown, disabled or without the authorization code grant.
var ErrCannotTry = errors.New("the client cannot be tried")

// Trials runs the authorization code flow of a client for an administrator.
type Trials interface {
	// Begin chooses grant and end of the trial. It returns the URL at which the browser opens the
	// authorization endpoint, or [ErrCannotTry].
	Begin(ctx context.Context, t *authrequest.Trial) (authorizeURL string, err error)
	// Redeem redeems the code of the trial within this process and reads userinfo, then revokes the
	// grant, also after an error.
	Redeem(ctx context.Context, t *authrequest.Trial, code, verifier string) (*TrialResult, error)
	// Revoke revokes the grant of the trial, if there is one.
	Revoke(ctx context.Context, t *authrequest.Trial) error
}

// TrialResult has what the client would receive, without a credential. The steps after one that
// failed are nil.
type TrialResult struct {
	Token    *TrialToken
	Userinfo *TrialUserinfo
	// TokenError and UserinfoError are the responses that the client would receive instead.
	TokenError, UserinfoError *httpapi.Error
	Scopes                    []pages.TrialScope
	NotRequested              []string
}

// TrialToken has the token response without its tokens.
type TrialToken struct {
	TokenType, Scope string
	ExpiresIn        int64 // seconds
	HasRefreshToken  bool
	ACR              string
	AMR              []string
	IDToken          []pages.TrialClaim // empty without one
	SignedBy         string             // alg of the ID token
	// EncryptedBy is the alg and enc with which the client receives the ID token, empty for none.
	EncryptedBy string
}

// TrialUserinfo has the userinfo response.
type TrialUserinfo struct {
	MediaType string
	Claims    []pages.TrialClaim
}

// trial is a trial that has begun: the content of its cookie.
type trial struct {
	authrequest.Trial

	Verifier string       `json:"verifier"`
	Answer   *trialAnswer `json:"answer,omitempty"`
}

// trialAnswer is the authorization response.
type trialAnswer struct {
	Code        string `json:"code,omitempty"`
	Error       string `json:"error,omitempty"`
	Description string `json:"description,omitempty"`
	RequestID   string `json:"request,omitempty"` // of the request that was rejected
}

// trySection is the part of the page of an application that leads to a trial.
func trySection(v *visit, a *application) []pages.Section {
	if !v.holds(apikey.ClientsWrite) {
		return nil
	}
	section := pages.Section{Heading: messages.New("console.try"), Text: messages.New("console.try.lede")}
	if impossible := cannotTry(a); !impossible.IsZero() {
		section.Text = impossible
		return []pages.Section{section}
	}
	section.Forms = []pages.FormPart{{Action: v.applicationURL(a.ID) + "/try", Button: pages.Button{ID: "try", Text: messages.New("console.try")}}}
	return []pages.Section{section}
}

// cannotTry returns why an application cannot be tried, the zero message if it can.
func cannotTry(a *application) messages.Message {
	if !slices.Contains(a.GrantTypes, client.GrantAuthorizationCode) {
		return messages.New("console.try.no-code")
	}
	return messages.Message{}
}

// tryApplication serves POST /console/applications/{id}/try: it begins a trial. The page leads to
// the issuer, since a form must not redirect there.
func tryApplication(v *visit) error {
	a, err := readApplication(v)
	if err != nil {
		return err
	}
	if !cannotTry(a).IsZero() {
		return v.refuse(http.StatusConflict, tryPage(v, a))
	}
	run := trial{Verifier: rand.Text() + rand.Text(), Trial: authrequest.Trial{
		ClientID: a.ID, Subject: v.who.Subject, SessionID: v.who.SessionID, RedirectURI: v.console.Root + tryCallbackPath,
		Scope: a.Scope, State: rand.Text(), Nonce: rand.Text(),
	}}
	challenge := sha256.Sum256([]byte(run.Verifier))
	run.Challenge = base64.RawURLEncoding.EncodeToString(challenge[:])
	var authorizeURL string
	err = v.change(actionTry, a.ID, func(ctx context.Context) (err error) {
		authorizeURL, err = v.console.Trials.Begin(ctx, &run.Trial)
		return err
	})
	if errors.Is(err, ErrCannotTry) { // it was disabled or changed a moment ago
		page := tryPage(v, a)
		page.Action, page.Impossible = "", messages.New("console.try.disabled")
		return v.refuse(http.StatusConflict, page)
	}
	if err != nil {
		return err
	}
	// The redirect from the issuer may come from another site, which a strict cookie does not follow.
	if err := v.console.setSealed(v.w, tryCookie, run, http.SameSiteLaxMode, authrequest.TrialLifetime); err != nil {
		return err
	}
	return v.show(pages.ConsoleContinue{URL: authorizeURL})
}

// tryCallback serves GET /console/try/callback, the redirect URI of trials. It adds the response to
// the cookie of the trial, and leads to the page that redeems it: the strict cookie of the console
// may not come with this request. Nothing is redeemed here.
//
// Spec: RFC 6749 §4.1.2, RFC 9207 §2.4, RFC 9700 §4.7.1.
func (c *Console) tryCallback(w http.ResponseWriter, r *http.Request) {
	var run trial
	form := r.Form
	isOfRun := c.openSealed(r, tryCookie, &run) && run.Answer == nil && c.Now().Before(run.ExpiresAt) &&
		subtle.ConstantTimeCompare([]byte(run.State), []byte(form.Get("state"))) == 1 && form.Get("iss") == c.Issuer
	if !isOfRun {
		note(r, http.StatusBadRequest, refusal.PageInvalid, "the response is not that of a trial of this browser")
		c.Pages.Error(w, r, http.StatusBadRequest, pages.Error{
			Code: "invalid_request", RequestID: c.RequestID(r.Context()), Text: messages.New("console.try.over"), Advice: messages.New("console.try.over.advice"),
		})
		return
	}
	run.Answer = &trialAnswer{Code: form.Get("code"), Error: cutText(form.Get("error")), Description: cutText(form.Get("error_description")), RequestID: cutText(form.Get("request_id"))}
	if err := c.setSealed(w, tryCookie, run, http.SameSiteStrictMode, authrequest.TrialLifetime); err != nil {
		c.fail(w, r, err)
		return
	}
	c.Pages.Show(w, r, http.StatusOK, pages.ConsoleContinue{URL: c.Root + "/applications/" + url.PathEscape(run.ClientID) + "/try"})
}

// cutText bounds a parameter that is stored in a cookie.
func cutText(text string) string { return text[:min(len(text), 500)] }

// showTrial serves GET /console/applications/{id}/try: the result of the trial whose response this
// browser has received, once. As the redirect URI of any relying party, it redeems the code with GET.
func showTrial(v *visit) error {
	a, err := readApplication(v)
	if err != nil {
		return err
	}
	page, c := tryPage(v, a), v.console
	var run trial
	if !c.openSealed(v.r, tryCookie, &run) || run.Answer == nil || run.ClientID != a.ID {
		return v.show(page)
	}
	c.clearCookie(v.w, tryCookie)
	if run.Subject != v.who.Subject || run.SessionID != v.who.SessionID || !v.now.Before(run.ExpiresAt) {
		page.Result = messages.New("console.try.over")
		return v.show(page)
	}
	if err := showRun(v, a, &run, &page); err != nil {
		return err
	}
	return v.show(page)
}

// tryPage is the page of a trial before a run.
func tryPage(v *visit, a *application) pages.ConsoleTrial {
	page := pages.ConsoleTrial{Name: a.title(), URL: v.applicationURL(a.ID), Action: v.applicationURL(a.ID) + "/try", Impossible: cannotTry(a)}
	if !page.Impossible.IsZero() {
		page.Action = ""
	}
	return page
}

// showRun ends a run, and fills in the page: steps up to the one that failed.
func showRun(v *visit, a *application, run *trial, page *pages.ConsoleTrial) error {
	ctx, c := v.r.Context(), v.console
	steps := trialSteps(a, run)
	page.Request = []pages.ComparedValue{
		{Name: "response_type", Text: "code"},
		{Name: "client_id", Text: run.ClientID},
		{Name: "redirect_uri", Text: run.RedirectURI},
		{Name: "scope", Text: run.Scope},
		{Name: "state", Label: messages.New("console.try.random")},
		{Name: "nonce", Label: messages.New("console.try.random")},
		{Name: "code_challenge_method", Text: "S256"},
	}
	page.Result = messages.New("console.try.failed")
	if run.Answer.Code == "" {
		page.Response = []pages.ComparedValue{{Name: "error", Text: run.Answer.Error}, {Name: "error_description", Text: run.Answer.Description}}
		var at int
		var err error
		if page.Failure, at, err = authorizeFailure(v, run.Answer); err != nil {
			return errors.Join(err, c.Trials.Revoke(ctx, &run.Trial))
		}
		page.Steps = failAt(steps, at)
		return c.Trials.Revoke(ctx, &run.Trial)
	}
	page.Response = []pages.ComparedValue{{Name: "code", Label: messages.New("console.try.redeemed")}, {Name: "state", Label: messages.New("console.try.as-sent")}, {Name: "iss", Text: c.Issuer}}
	result, err := c.Trials.Redeem(ctx, &run.Trial, run.Answer.Code, run.Verifier)
	if err != nil {
		return err
	}
	showResult(v, a, result, steps, page)
	return nil
}

// showResult fills in the page from the token and userinfo responses.
func showResult(v *visit, a *application, result *TrialResult, steps []pages.TrialStep, page *pages.ConsoleTrial) {
	page.Scopes, page.NotRequested = result.Scopes, result.NotRequested
	if token := result.Token; token != nil {
		steps[stepSignIn].Detail = strings.TrimSpace("acr " + token.ACR + ", amr " + strings.Join(token.AMR, " "))
		page.Response = append(page.Response, tokenResponse(token)...)
		page.IDToken, page.Protection = token.IDToken, protection(token)
	}
	switch {
	case result.TokenError != nil:
		page.Failure, page.Steps = responseFailure(v, a, "/oauth2/token", result.TokenError), failAt(steps, stepToken)
		return
	case result.UserinfoError != nil:
		page.Failure, page.Steps = responseFailure(v, a, "/userinfo", result.UserinfoError), failAt(steps, stepUserinfo)
		return
	case result.Userinfo != nil:
		page.Userinfo, steps[stepUserinfo].Detail = result.Userinfo.Claims, result.Userinfo.MediaType
	default:
		steps[stepUserinfo].Text = messages.New("console.try.userinfo.skipped")
	}
	page.Worked, page.Steps = true, failAt(steps, len(steps))
	page.Result = messages.New("console.try.worked", "user", v.account.Name())
}

// tokenResponse returns the members of the token response, of which the tokens are not shown.
func tokenResponse(t *TrialToken) []pages.ComparedValue {
	members := []pages.ComparedValue{
		{Name: "access_token", Label: messages.New("console.try.not-shown")},
		{Name: "token_type", Text: t.TokenType},
		{Name: "expires_in", Text: strconv.FormatInt(t.ExpiresIn, 10)},
		{Name: "scope", Text: t.Scope},
	}
	if t.HasRefreshToken {
		members = append(members, pages.ComparedValue{Name: "refresh_token", Label: messages.New("console.try.not-shown")})
	}
	if len(t.IDToken) > 0 {
		members = append(members, pages.ComparedValue{Name: "id_token", Label: messages.New("console.try.without-signature")})
	}
	return members
}

// The steps of a trial.
const (
	stepAuthorize = iota
	stepSignIn
	stepConsent
	stepToken
	stepUserinfo
)

// trialSteps returns the steps of a trial.
func trialSteps(a *application, run *trial) []pages.TrialStep {
	consent := messages.New("console.try.consent.given")
	if a.SkipConsent {
		consent = messages.New("console.try.consent.skipped")
	}
	authenticated := messages.New("console.try.token", "method", a.AuthMethod)
	if a.DPoPBound {
		authenticated = messages.New("console.try.token.dpop", "method", a.AuthMethod)
	}
	return []pages.TrialStep{
		{ID: "authorize", Name: messages.New("console.try.step.authorize"), Detail: "response_type=code, PKCE S256, scope " + run.Scope},
		{ID: "sign-in", Name: messages.New("console.try.step.sign-in")},
		{ID: "consent", Name: messages.New("console.try.step.consent"), Text: consent},
		{ID: "token", Name: messages.New("console.try.step.token"), Text: authenticated},
		{ID: "userinfo", Name: messages.New("console.try.step.userinfo")},
	}
}

// failAt returns the steps, of which the one at the index failed; details are only of steps that
// passed.
func failAt(steps []pages.TrialStep, at int) []pages.TrialStep {
	for i := range steps {
		steps[i].Passed, steps[i].Failed = i < at, i == at
		if i >= at && i != stepAuthorize {
			steps[i].Text, steps[i].Detail = messages.Message{}, ""
		}
	}
	return steps
}

// protection describes how the client receives the ID token.
func protection(t *TrialToken) messages.Message {
	if t.EncryptedBy != "" {
		return messages.New("console.try.encrypted", "alg", t.SignedBy, "encryption", t.EncryptedBy)
	}
	return messages.New("console.try.signed", "alg", t.SignedBy)
}

// authorizeFailure explains an error response of the authorization endpoint, with the step that
// failed. Another replica may not have written the record yet: then there is only the error.
func authorizeFailure(v *visit, answer *trialAnswer) (*pages.Explanation, int, error) {
	found, err := v.console.Refusals.Refusal(v.r.Context(), answer.RequestID)
	if errors.Is(err, refusal.ErrNotFound) {
		return nil, stepAuthorize, nil
	}
	if err != nil {
		return nil, 0, err
	}
	endpoint, step := refusal.EndpointOf(found.Route), stepAuthorize
	if at := endpoint.Place(found.Rule, attr(found, refusal.ParameterAttr)); at >= 0 {
		switch endpoint.Checks[at].Phase {
		case refusal.PhaseSignIn:
			step = stepSignIn
		case refusal.PhaseConsent:
			step = stepConsent
		case refusal.PhaseRequest:
		}
	}
	return explanation(v, found), step, nil
}

// responseFailure explains an error response to a request that the console has made within this
// process.
func responseFailure(v *visit, a *application, route string, response *httpapi.Error) *pages.Explanation {
	record := &refusal.Record{
		At: v.now, RequestID: v.console.RequestID(v.r.Context()), Method: http.MethodPost, Route: route, Status: response.Status, Code: response.Code,
		Rule: response.Rule, Cause: response.Description, ClientID: a.ID,
	}
	if response.Reason != "" {
		record.Cause = response.Reason
	}
	switch cause := refusal.Of(response); {
	case cause != nil:
		record.Rule, record.Cause, record.Attrs = cause.Rule, cause.Text, cause.Attrs
	case record.Rule != "":
	case response.Status == http.StatusServiceUnavailable:
		record.Rule = refusal.Unavailable
	default:
		record.Rule = refusal.InternalError
	}
	return explanation(v, record)
}
