package authorize

import (
	"context"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/session"
)

// browserSession holds the session of a browser and the stored consent of its user for the
// client. Both are nil if no user is signed in.
type browserSession struct {
	session *session.Session
	consent *consent.Consent
}

// flow is an authorization request with the browser that sent it.
type flow struct {
	browserSession

	request *AuthorizationRequest
	stored  *authrequest.Request // that the user returns with; nil for a new request
	// lacksFactor reports that the account of the session must have a second factor or a passkey, and
	// has none.
	lacksFactor bool
	now         time.Time
}

// step is the next step of a request.
type step int

const (
	stepRefuse   step = iota // with the error
	stepDenied               // with the error: the user or an app denied the request
	stepSignIn               // the error is for a client that wants no page
	stepPassword             // a new password; the error is for a client that wants no page
	stepTerms                // the terms; the error is for a client that wants no page
	stepFactor               // a further factor; the error is for a client that wants no page
	stepConsent              // the error is for a client that wants no page
	stepRespond
)

// dispatcher decides the next step of requests.
type dispatcher struct {
	*Config
}

// next compares the request with the session and the consent of the browser.
//
// Spec: OpenID Connect Core §3.1.2.3, §3.1.2.4.
func (d *dispatcher) next(f *flow) (step, error) {
	if f.isDenied() {
		return stepDenied, f.denial()
	}
	if missing := d.loginRequired(f); missing != nil {
		return stepSignIn, missing
	}
	if refused := f.groupRequired(); refused != nil {
		return stepRefuse, refused
	}
	if next, missing := d.changeRequired(f); missing != nil {
		return next, missing
	}
	if next, missing := d.levelRequired(f); missing != nil {
		return next, missing
	}
	if missing := d.termsRequired(f); missing != nil {
		return stepTerms, missing
	}
	if missing := d.consentRequired(f); missing != nil {
		return stepConsent, missing
	}
	return stepRespond, nil
}

// isDenied reports whether the user of the session, or an app before a user signed in, has
// denied the request.
func (f *flow) isDenied() bool {
	if f.stored == nil || f.stored.Decision != authrequest.Denied {
		return false
	}
	return f.stored.DecidedFor == authrequest.NoSubject || f.session != nil && f.stored.DecidedFor == f.session.Subject
}

// denial returns the error for a denied request: that of the app, if it named one.
func (f *flow) denial() error {
	var named *authrequest.Refusal
	switch {
	case f.stored.ConsentAnswer != nil:
		named = f.stored.ConsentAnswer.Refusal
	case f.stored.LoginAnswer != nil:
		named = f.stored.LoginAnswer.Refusal
	}
	if named == nil {
		return oauth2.NewError(oauth2.CodeAccessDenied, "The request was denied")
	}
	return oauth2.NewError(named.Code, named.Description).Because(refusal.New(refusal.AppRefused, "the operator's app refused the request"))
}

func errLoginRequired() error {
	return oauth2.NewError(oauth2.CodeLoginRequired, "The user must sign in")
}

// loginRequired returns nil if the session of the browser suffices for the request. A login
// app receives every request without prompt=none: it names the user, or confirms that the
// session suffices.
func (d *dispatcher) loginRequired(f *flow) error {
	switch {
	case !d.SignIn.SeesEachRequest():
		return d.reauthenticationRequired(f)
	case f.isBackFromLoginApp():
		if !d.isRequiredSubject(f) {
			return errLoginRequired()
		}
		return nil
	case f.request.prompts(promptNone) && f.session != nil && f.session.Remembered:
		return d.reauthenticationRequired(f)
	default:
		return errLoginRequired()
	}
}

// reauthenticationRequired returns nil if the session of the browser suffices for the request,
// without regard to a login app.
func (d *dispatcher) reauthenticationRequired(f *flow) error {
	a := f.request
	if f.session == nil || !d.isRequiredSubject(f) {
		return errLoginRequired()
	}
	isStored := f.isStoredFor(f.session)
	if isStored && !f.stored.SignedInAt.IsZero() {
		return nil // the user signed in for this request; a second time would never end
	}
	if a.prompts(promptLogin) || !isStored && (a.prompts(promptSelect) || a.prompts(promptCreate)) {
		return errLoginRequired()
	}
	if a.maxAge != nil && int64(f.now.Sub(f.session.AuthTime)/time.Second) >= *a.maxAge {
		return errLoginRequired()
	}
	return nil
}

// reusableSession returns the session of the browser if the login app may let the user continue
// in it without authentication, or nil.
func (d *dispatcher) reusableSession(f *flow) *session.Session {
	isNew := &flow{request: f.request, browserSession: f.browserSession, now: f.now}
	if s := f.session; s != nil && s.Remembered && d.reauthenticationRequired(isNew) == nil {
		return s
	}
	return nil
}

// readState reads whether the state of the account requires a second factor that the account does
// not have. It costs no statement unless the state does. A login app decides about the state of
// its users.
func (d *dispatcher) readState(ctx context.Context, f *flow) error {
	if f.session == nil || f.session.AccountState != account.MustEnrol || d.SignIn.SeesEachRequest() {
		return nil
	}
	level, err := d.HighestLevel(ctx, f.session.Subject)
	f.lacksFactor = err == nil && !session.Reaches(level, session.LevelTwoFactors)
	return err
}

// changeRequired returns nil unless the state of the account requires that the user changes the
// password or adds a second factor before any application gets a response.
//
// Spec: OpenID Connect Core §3.1.2.6 (interaction_required).
func (d *dispatcher) changeRequired(f *flow) (step, error) {
	switch {
	case d.SignIn.SeesEachRequest():
		return stepRespond, nil
	case f.session.AccountState == account.MustChangePassword:
		return stepPassword, oauth2.NewError(oauth2.CodeInteractionRequired, "The user must change the password")
	case f.lacksFactor:
		return stepFactor, oauth2.NewError(oauth2.CodeInteractionRequired, "The user must add a second factor")
	}
	return stepRespond, nil
}

// termsRequired returns nil if the user has accepted the current version of the terms, if there are
// any. consent_required would be about the client.
//
// Spec: OpenID Connect Core §3.1.2.6 (interaction_required).
func (d *dispatcher) termsRequired(f *flow) error {
	if d.TermsVersion == "" || d.TermsVersion == f.session.TermsVersion || d.SignIn.SeesEachRequest() {
		return nil
	}
	return oauth2.NewError(oauth2.CodeInteractionRequired, "The user must accept the terms")
}

// levelRequired returns nil if the authentication reaches the level that the request requires.
// Otherwise the user proves a further factor, unless that cannot help or was declined. A
// login app has received acr_values and has decided about them.
//
// Spec: OpenID Connect Core §5.5.1.1; RFC 9470 §5; OpenID Connect Core Unmet Authentication
// Requirements 1.0.
func (d *dispatcher) levelRequired(f *flow) (step, error) {
	required, byClient := f.request.requirements, f.lacksSecondFactor()
	if required.met(f.sessionACR()) && !byClient || d.SignIn.SeesEachRequest() && !required.acrClaim {
		return stepRespond, nil
	}
	unmet := oauth2.NewError(oauth2.CodeUnmetAuthentication, "The requested acr cannot be provided")
	if d.SignIn.SeesEachRequest() || !byClient && !required.canBeReached() {
		return stepRefuse, unmet
	}
	if declined := f.stored != nil && f.stored.FactorDeclinedBy == f.session.Subject; declined {
		if required.optional && !byClient {
			return stepRespond, nil
		}
		return stepRefuse, unmet
	}
	if required.optional && !byClient && f.request.prompts(promptNone) {
		return stepRespond, nil
	}
	return stepFactor, unmet
}

// lacksSecondFactor reports whether the client requires a second factor that the session does
// not have.
func (f *flow) lacksSecondFactor() bool {
	return f.request.client.RequireSecondFactor && !f.session.SecondFactorWaived &&
		!session.Reaches(f.session.ACR, session.LevelTwoFactors)
}

// groupRequired returns nil if the user may use the client. Otherwise the user reads why on a
// page, unless the client wants none.
func (f *flow) groupRequired() error {
	if f.request.client.Admits(f.session.Released.Groups) {
		return nil
	}
	refused := oauth2.NewError(oauth2.CodeAccessDenied, "The user may not use this application").
		Because(refusal.New(refusal.GroupNotAllowed, "the user is in none of the groups that may use the client",
			refusal.Registered("subject", f.session.Subject)))
	if f.request.prompts(promptNone) {
		return refused
	}
	refused.Status = http.StatusForbidden
	return &pageError{response: refused, client: f.request.client, notAllowed: true}
}

// isRequiredSubject reports whether the request requires no subject, or that of the session.
func (d *dispatcher) isRequiredSubject(f *flow) bool {
	required := f.request.requirements.subject
	return required == "" || required == d.clientSubject(f)
}

// clientSubject returns the sub by which the client knows the user.
func (d *dispatcher) clientSubject(f *flow) string {
	if forced := f.extraClaims().ForcedSubject; forced != "" {
		return forced
	}
	return d.Subjects.Of(f.request.client, f.session.Subject)
}

// consentRequired returns nil if the user has consented, now or before, to all that is
// requested. A consent app receives every request without prompt=none, since it adds claims.
//
// Spec: OpenID Connect Core §3.1.2.4.
func (d *dispatcher) consentRequired(f *flow) error {
	a := f.request
	if f.isAccepted() {
		return nil
	}
	missing := oauth2.NewError(oauth2.CodeConsentRequired, "The user must consent")
	if a.prompts(promptConsent) || d.Consent.SeesEachRequest() && !a.prompts(promptNone) {
		return missing
	}
	if a.client.SkipConsent || f.consent.Covers(a.access.ScopesToConsent()) && f.consent.CoversDetails(a.access.Details) && a.client.MayReuseConsent(a.redirectURI, a.responseType.hasTokens()) {
		return nil
	}
	return missing
}

// isAccepted reports whether the user of the session has accepted the request.
func (f *flow) isAccepted() bool {
	return f.stored != nil && f.stored.Decision == authrequest.Accepted && f.stored.DecidedFor == f.session.Subject
}

// consentAnswer returns the answer of the consent app for the user of the session, or nil.
func (f *flow) consentAnswer() *authrequest.ConsentAnswer {
	if !f.isAccepted() {
		return nil
	}
	return f.stored.ConsentAnswer
}

// isStoredFor reports whether the request was stored with the session s.
func (f *flow) isStoredFor(s *session.Session) bool {
	return f.stored != nil && f.stored.SessionID == s.ID
}

// isBackFromLoginApp reports whether the login app has answered the request with the user of
// the session.
func (f *flow) isBackFromLoginApp() bool {
	return f.stored != nil && !f.stored.LoginVerifierUsedAt.IsZero() && f.session != nil && f.isStoredFor(f.session)
}

// extraClaims returns the claims that login and consent apps add to tokens: the claims for this
// request or, if the consent app did not receive it, the claims of the stored consent.
func (f *flow) extraClaims() grant.ExtraClaims {
	var extra grant.ExtraClaims
	switch {
	case f.stored != nil && f.stored.ConsentAnswer != nil:
		extra = f.stored.ConsentAnswer.ExtraClaims
	case f.consent != nil:
		extra = f.consent.ExtraClaims
	}
	extra.ForcedSubject = f.stored.SubjectFor(extra.ForcedSubject)
	return extra
}

// acr returns the acr claim: the strongest of the required values that the authentication
// reaches, or that of the authentication if none is required.
func (f *flow) acr() string {
	reached := f.sessionACR()
	if acr, ok := session.Strongest(reached, f.request.requirements.acr); ok {
		return acr
	}
	return reached
}

// sessionACR returns the acr of the authentication: that of the session, unless the login app
// that continued it named another.
func (f *flow) sessionACR() string {
	if f.isStoredFor(f.session) && f.stored.LoginSkip && f.stored.LoginAnswer != nil && f.stored.LoginAnswer.ACR != "" {
		return f.stored.LoginAnswer.ACR
	}
	return session.CanonicalACR(f.session.ACR)
}
