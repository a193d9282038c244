package pages

import "github.com/ostiary/ostiary/internal/pages/messages"

// ConsoleTrial is the page of a trial: the flow of an application that an administrator has run, with
// each step and the claims that the application would receive. It has no credential.
type ConsoleTrial struct {
	// Name is the name of the application, URL its page.
	Name, URL string
	// Action begins a run; empty if the application cannot be tried, for the reason Impossible.
	Action     string
	Impossible messages.Message
	// Result tells how the run ended; empty without a run.
	Result   messages.Message
	Worked   bool
	Steps    []TrialStep
	Request  []ComparedValue
	Response []ComparedValue
	IDToken  []TrialClaim
	// Protection describes how the ID token is signed and encrypted.
	Protection messages.Message
	Userinfo   []TrialClaim
	Scopes     []TrialScope
	// NotRequested are scopes of this server that the application does not request.
	NotRequested []string
	// Failure explains the step that failed, nil for none.
	Failure *Explanation
}

func (ConsoleTrial) template() string { return "console-trial" }

// TrialStep is a step of a trial. Without Passed and Failed it was not reached. Detail is a literal of
// the protocol, Text a sentence.
type TrialStep struct {
	ID             string
	Name, Text     messages.Message
	Detail         string
	Passed, Failed bool
}

// TrialClaim is a claim, its value as JSON, and the scopes that release it. Others are of the
// protocol, or added by an app or token hook.
type TrialClaim struct {
	Name, Value     string
	Scopes          []string
	Protocol, Added bool
}

// TrialScope is a requested scope, with the claims that the application received for it.
type TrialScope struct {
	Name    string
	Granted bool
	Claims  []string
}
