package authorize

import (
	"errors"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/session"
)

// provider is the built-in pages if it is false, and an app of the operator if it is true.
type provider bool

func (p provider) SeesEachRequest() bool { return bool(p) }

func (provider) SignInURL(*authrequest.Request, bool, *session.Session) string { return "/login" }

func (provider) FactorURL(*authrequest.Request) string { return "/login/second-factor" }

func (provider) PasswordURL(*authrequest.Request) string { return "/login/password" }

func (provider) TermsURL(*authrequest.Request) string { return "/login/terms" }

func (provider) ConsentURL(*authrequest.Request, *session.Session, time.Time) string {
	return "/consent"
}

// testFlow is a flow of a user who is signed in for an hour and has consented to everything.
func testFlow(tb testing.TB, changes ...string) *flow {
	tb.Helper()
	a, err := checkedRequest(tb, testRequests(), testClient(), testForm(changes...), atAuthorize)
	if err != nil {
		tb.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	return &flow{
		request: a, now: now,
		browserSession: browserSession{
			session: &session.Session{ID: "session", Subject: "ada", AuthTime: now.Add(-time.Hour), ACR: "silver"},
			consent: &consent.Consent{Scopes: []string{"openid", "email"}},
		},
	}
}

// with returns the flow with a stored request for its session.
func (f *flow) with(change func(*authrequest.Request)) *flow {
	f.stored = &authrequest.Request{ID: "request", SessionID: "session"}
	change(f.stored)
	return f
}

func signedOut(f *flow) *flow {
	f.browserSession = browserSession{}
	return f
}

func TestDispatcherDecidesTheNextStep(t *testing.T) {
	t.Parallel()
	signedInFor := func(f *flow) *flow {
		return f.with(func(q *authrequest.Request) { q.SignedInAt = f.now.Add(-time.Minute) })
	}
	byLoginApp := func(f *flow) *flow {
		return f.with(func(q *authrequest.Request) { q.SignedInAt, q.LoginVerifierUsedAt = f.now, f.now })
	}
	accepted := func(subject string) func(*authrequest.Request) {
		return func(q *authrequest.Request) { q.Decision, q.DecidedFor = authrequest.Accepted, subject }
	}
	denied := func(subject string) func(*authrequest.Request) {
		return func(q *authrequest.Request) { q.Decision, q.DecidedFor = authrequest.Denied, subject }
	}
	unconsented := testFlow(t)
	unconsented.consent = nil
	bySkip := testFlow(t)
	bySkip.consent, bySkip.request.client.SkipConsent = nil, true

	for name, tc := range map[string]struct {
		flow              *flow
		signIn, consentBy provider
		want              step
		code              string // of the error
	}{
		"signed in and consented":                {flow: testFlow(t), want: stepRespond},
		"signed out":                             {flow: signedOut(testFlow(t)), want: stepSignIn, code: oauth2.CodeLoginRequired},
		"prompt login":                           {flow: testFlow(t, "prompt", "login"), want: stepSignIn, code: oauth2.CodeLoginRequired},
		"prompt login, signed in for it":         {flow: signedInFor(testFlow(t, "prompt", "login")), want: stepRespond},
		"prompt select_account":                  {flow: testFlow(t, "prompt", "select_account"), want: stepSignIn, code: oauth2.CodeLoginRequired},
		"authentication too old":                 {flow: testFlow(t, "max_age", "60"), want: stepSignIn, code: oauth2.CodeLoginRequired},
		"authentication recent enough":           {flow: testFlow(t, "max_age", "3601"), want: stepRespond},
		"the subject of the hint":                {flow: testFlow(t, "claims", `{"id_token":{"sub":{"value":"ada"}}}`), want: stepRespond},
		"another subject":                        {flow: testFlow(t, "claims", `{"id_token":{"sub":{"value":"bob"}}}`), want: stepSignIn, code: oauth2.CodeLoginRequired},
		"an essential acr":                       {flow: testFlow(t, "claims", `{"id_token":{"acr":{"essential":true,"value":"silver"}}}`), want: stepRespond},
		"another essential acr":                  {flow: testFlow(t, "claims", `{"id_token":{"acr":{"essential":true,"value":"gold"}}}`), want: stepRefuse, code: oauth2.CodeUnmetAuthentication},
		"another acr that is not essential":      {flow: testFlow(t, "claims", `{"id_token":{"acr":{"value":"gold"}}}`), want: stepRespond},
		"no consent":                             {flow: unconsented, want: stepConsent, code: oauth2.CodeConsentRequired},
		"consent to less":                        {flow: testFlow(t, "scope", "openid offline_access"), want: stepConsent, code: oauth2.CodeConsentRequired},
		"a client that needs none":               {flow: bySkip, want: stepRespond},
		"prompt consent":                         {flow: testFlow(t, "prompt", "consent"), want: stepConsent, code: oauth2.CodeConsentRequired},
		"prompt consent, accepted":               {flow: testFlow(t, "prompt", "consent").with(accepted("ada")), want: stepRespond},
		"accepted by another user":               {flow: testFlow(t, "prompt", "consent").with(accepted("bob")), want: stepConsent, code: oauth2.CodeConsentRequired},
		"denied":                                 {flow: testFlow(t).with(denied("ada")), want: stepDenied, code: oauth2.CodeAccessDenied},
		"denied by another user":                 {flow: testFlow(t).with(denied("bob")), want: stepRespond},
		"denied before a user signed in":         {flow: signedOut(testFlow(t).with(denied(authrequest.NoSubject))), want: stepDenied, code: oauth2.CodeAccessDenied},
		"login app, new request":                 {flow: testFlow(t), signIn: true, want: stepSignIn, code: oauth2.CodeLoginRequired},
		"login app, back from it":                {flow: byLoginApp(testFlow(t)), signIn: true, want: stepRespond},
		"login app, back with another subject":   {flow: byLoginApp(testFlow(t, "claims", `{"id_token":{"sub":{"value":"bob"}}}`)), signIn: true, want: stepSignIn, code: oauth2.CodeLoginRequired},
		"login app, prompt none, not remembered": {flow: testFlow(t, "prompt", "none"), signIn: true, want: stepSignIn, code: oauth2.CodeLoginRequired},
		"consent app, new request":               {flow: testFlow(t), consentBy: true, want: stepConsent, code: oauth2.CodeConsentRequired},
		"consent app, prompt none":               {flow: testFlow(t, "prompt", "none"), consentBy: true, want: stepRespond},
	} {
		d := &dispatcher{&Config{SignIn: tc.signIn, Consent: tc.consentBy}}
		got, err := d.next(tc.flow)
		response, _ := errors.AsType[*oauth2.Error](err)
		if got != tc.want || (tc.code == "") != (err == nil) || response != nil && response.Code != tc.code {
			t.Errorf("%s: step %d with %v, want step %d with %q", name, got, err, tc.want, tc.code)
		}
	}
}

// A user whose level is too low proves a further factor, and may decline if only the registration
// of the client requires it.
func TestDispatcherRequiresTheLevel(t *testing.T) {
	t.Parallel()
	at := func(acr string, f *flow) *flow {
		f.session.ACR = acr
		return f
	}
	declined := func(f *flow) *flow {
		return f.with(func(q *authrequest.Request) { q.FactorDeclinedBy = "ada" })
	}
	byDefault := func(f *flow) *flow {
		f.request.client.DefaultACRValues = []string{"2"}
		if err := checkACRValues(nil, f.request); err != nil {
			t.Fatal(err)
		}
		return f
	}
	ofClient := func(f *flow) *flow {
		f.request.client.RequireSecondFactor = true
		return f
	}
	waived := func(f *flow) *flow {
		f.session.SecondFactorWaived = true
		return f
	}
	const unmet = oauth2.CodeUnmetAuthentication
	for name, tc := range map[string]struct {
		flow   *flow
		signIn provider
		want   step
		code   string // of the error
		acr    string // of a response
	}{
		"the level is reached":            {flow: at("2", testFlow(t, "acr_values", "2")), want: stepRespond, acr: "2"},
		"a stronger one":                  {flow: at("phr", testFlow(t, "acr_values", "1 2")), want: stepRespond, acr: "2"},
		"one of the values":               {flow: at("1", testFlow(t, "acr_values", "2 1")), want: stepRespond, acr: "1"},
		"the former name":                 {flow: at("1", testFlow(t, "acr_values", "urn:ostiary:acr:password")), want: stepRespond, acr: "1"},
		"a session of the former version": {flow: at("urn:ostiary:acr:password", testFlow(t)), want: stepRespond, acr: "1"},
		"unknown values":                  {flow: at("1", testFlow(t, "acr_values", "gold")), want: stepRespond, acr: "1"},
		"too low":                         {flow: at("1", testFlow(t, "acr_values", "gold 2")), want: stepFactor, code: unmet},
		"too low, essential":              {flow: at("1", testFlow(t, "claims", `{"id_token":{"acr":{"essential":true,"value":"2"}}}`)), want: stepFactor, code: unmet},
		"too low, prompt none":            {flow: at("1", testFlow(t, "acr_values", "2", "prompt", "none")), want: stepFactor, code: unmet},
		"declined":                        {flow: declined(at("1", testFlow(t, "acr_values", "2"))), want: stepRefuse, code: unmet},
		"by default":                      {flow: byDefault(at("1", testFlow(t))), want: stepFactor, code: unmet},
		"by default, reached":             {flow: byDefault(at("2", testFlow(t))), want: stepRespond, acr: "2"},
		"by default, declined":            {flow: declined(byDefault(at("1", testFlow(t)))), want: stepRespond, acr: "1"},
		"by default, prompt none":         {flow: byDefault(at("1", testFlow(t, "prompt", "none"))), want: stepRespond, acr: "1"},
		"by the client":                   {flow: ofClient(at("1", testFlow(t))), want: stepFactor, code: unmet},
		"by the client, acr_values 1":     {flow: ofClient(at("1", testFlow(t, "acr_values", "1"))), want: stepFactor, code: unmet},
		"by the client, reached":          {flow: ofClient(at("phr", testFlow(t))), want: stepRespond, acr: "phr"},
		"by the client, waived":           {flow: waived(ofClient(at("1", testFlow(t)))), want: stepRespond, acr: "1"},
		"waived, but acr_values":          {flow: waived(at("1", testFlow(t, "acr_values", "2"))), want: stepFactor, code: unmet},
		"login app, acr_values":           {flow: byLoginAppAt(at("1", testFlow(t, "acr_values", "2"))), signIn: true, want: stepRespond, acr: "1"},
		"login app, its own value":        {flow: byLoginAppAt(at("gold", testFlow(t, "acr_values", "silver gold"))), signIn: true, want: stepRespond, acr: "gold"},
	} {
		d := &dispatcher{&Config{SignIn: tc.signIn, Consent: provider(false)}}
		got, err := d.next(tc.flow)
		response, _ := errors.AsType[*oauth2.Error](err)
		if got != tc.want || (tc.code == "") != (err == nil) || response != nil && response.Code != tc.code {
			t.Errorf("%s: step %d with %v, want step %d with %q", name, got, err, tc.want, tc.code)
		}
		if acr := tc.flow.acr(); got == stepRespond && acr != tc.acr {
			t.Errorf("%s: acr %q, want %q", name, acr, tc.acr)
		}
	}
}

// byLoginAppAt is the flow of a user who returns from the login app.
func byLoginAppAt(f *flow) *flow {
	return f.with(func(q *authrequest.Request) { q.SignedInAt, q.LoginVerifierUsedAt = f.now, f.now })
}

// Only a remembered session that satisfies the request is offered to the login app.
func TestLoginAppMayReuseRememberedSessions(t *testing.T) {
	t.Parallel()
	d := &dispatcher{&Config{SignIn: provider(true)}}
	for name, tc := range map[string]struct {
		flow       *flow
		remembered bool
		want       bool
	}{
		"remembered":                   {testFlow(t), true, true},
		"not remembered":               {testFlow(t), false, false},
		"remembered, and prompt login": {testFlow(t, "prompt", "login"), true, false},
	} {
		tc.flow.session.Remembered = tc.remembered
		if got := d.reusableSession(tc.flow) != nil; got != tc.want {
			t.Errorf("%s: reusable %v, want %v", name, got, tc.want)
		}
	}
}
