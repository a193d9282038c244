//go:build conformance

package conformance

import "strings"

// Instructions for the suite's browser on the server's pages, by element ids. A task is
// a list of commands on a page; an optional one is skipped if the page is not shown.

type (
	command = []any
	task    map[string]any
	visit   map[string]any
)

func (s *site) on(name string, optional bool, commands ...command) task {
	return task{"task": name, "match": s.issuer + "/*", "optional": optional, "commands": append([]command{}, commands...)}
}

func (s *site) atSuite(commands ...command) task {
	return task{"task": "Callback processed", "match": s.callbacks + "*", "commands": commands}
}

// placeholder marks a page whose image is kept for the review of the run.
const placeholder = "update-image-placeholder"

// wait returns a command that waits for an element that matches a selector of a kind.
func wait(kind, selector string, seconds int, more ...any) command {
	return append(command{"wait", kind, selector, seconds}, more...)
}

// click returns a command that clicks an optional element.
func click(id string) command { return command{"click", "id", id, "optional"} }

func text(id, value string) command { return command{"text", "id", id, value, "optional"} }

// signIn is the task of the sign-in page; kept also keeps an image of the page.
func (s *site) signIn(kept bool) task {
	commands := []command{text("username", username), text("password", password), click("login")}
	if kept {
		commands = append([]command{wait("xpath", "//body", 10, ".+", placeholder+"-optional")}, commands...)
	}
	return s.on("Sign in", true, commands...)
}

func (s *site) consent() task { return s.on("Consent", true, click("accept")) }

func (s *site) backAtSuite() task {
	return s.on("Wait for the redirect", true, wait("match", "^"+escaped(s.callbacks), 15))
}

func (s *site) processed() task { return s.atSuite(wait("id", "submission_complete", 15)) }

// authorize completes the pages up to the redirect to the client.
func (s *site) authorize(kept bool) visit {
	return visit{"match": s.issuer + "/*", "tasks": []task{s.signIn(kept), s.consent(), s.backAtSuite(), s.processed()}}
}

// signOut confirms a sign-out that redirects to the client.
func (s *site) signOut() visit {
	back := escaped(s.callbacks) + ".*post_logout_redirect"
	return visit{"match": s.issuer + "/*logout*", "tasks": []task{
		s.on("Confirm", true, click("logout-confirm")),
		s.on("Wait for the redirect", true, wait("match", "^"+back, 15)),
		{"task": "Back at the suite", "match": s.callbacks + "*post_logout_redirect*"},
	}}
}

// frames waits until the client's frame has queried the session state.
func (s *site) frames() visit {
	return visit{"match": s.callbacks + "*session_verify*", "tasks": []task{
		{"task": "Wait for the frames", "commands": []command{wait("match", "session_result", 20)}},
	}}
}

// stops is an authorization request that must end on the error page.
func (s *site) stops() visit {
	return visit{"match": s.issuer + "/*", "tasks": []task{
		s.on("Error page", false, wait("id", "error", 10, ".+", placeholder)),
	}}
}

// ends is an authorization request that may end on the error page or at the client.
func (s *site) ends() visit {
	callback := s.processed()
	callback["optional"] = true
	return visit{"match": s.issuer + "/*", "tasks": []task{
		s.signIn(false), s.consent(), s.on("Error page", true, wait("id", "error", 10, ".+", placeholder+"-optional")), callback,
	}}
}

// looksFirst opens the sign-in page and leaves it; the second visit signs in.
func (s *site) looksFirst() []visit {
	return []visit{
		{"match": s.issuer + "/*", "match-limit": 1, "tasks": []task{s.on("Sign-in page", false)}},
		s.authorize(false),
	}
}

// refuses signs in and refuses the consent.
func (s *site) refuses() visit {
	return visit{"match": s.issuer + "/*", "tasks": []task{
		s.signIn(false), s.on("Refuse", true, command{"click", "id", "deny"}), s.backAtSuite(), s.processed(),
	}}
}

// shows is a sign-in page with an element that matches the selector.
func (s *site) shows(selector string) visit {
	return visit{"match": s.issuer + "/*", "tasks": []task{
		s.on("Sign-in page", false, wait("id", "username", 10), wait("css", selector, 5), wait("xpath", "//body", 10, ".+", placeholder)),
	}}
}

// staysSignedOut is a sign-out that ends on a page of the server; words is a pattern of
// its text.
func (s *site) staysSignedOut(words string, confirm bool) visit {
	var tasks []task
	if confirm {
		tasks = append(tasks, s.on("Confirm", true, click("logout-confirm")))
	}
	return visit{"match": s.issuer + "/*logout*", "tasks": append(tasks,
		s.on("Last page", false, wait("xpath", "//body", 10, words, placeholder)))}
}

// browsing returns the default instructions, and those of modules that differ.
func (s *site) browsing() (general []visit, exceptions map[string]any) {
	general = []visit{s.signOut(), s.frames(), s.authorize(false)}
	only := func(visits ...visit) map[string]any { return map[string]any{"browser": visits} }
	exceptions = map[string]any{
		"oidcc-max-age-1":               only(s.authorize(true)),
		"oidcc-prompt-login":            only(s.authorize(true)),
		"oidcc-registration-logo-uri":   only(s.shows("#client-logo")),
		"oidcc-registration-policy-uri": only(s.shows("#client-policy")),
		"oidcc-registration-tos-uri":    only(s.shows("#client-tos")),
	}
	for _, name := range []string{
		"ensure-redirect-uri-in-authorization-request", "ensure-registered-redirect-uri", "redirect-uri-query-added", "redirect-uri-query-mismatch",
	} {
		exceptions["oidcc-"+name] = only(s.stops())
	}
	for _, name := range []string{"ensure-request-object-with-redirect-uri", "ensure-request-without-nonce-fails", "response-type-missing"} {
		exceptions["oidcc-"+name] = only(s.ends())
	}
	for _, name := range []string{
		"bad-post-logout-redirect-uri", "query-added-to-post-logout-redirect-uri", "modified-id-token-hint", "bad-id-token-hint", "no-id-token-hint",
	} {
		exceptions["oidcc-rp-initiated-logout-"+name] = only(s.staysSignedOut(".+", false), s.authorize(false))
	}
	for _, name := range []string{"no-params", "only-state", "no-post-logout-redirect-uri"} {
		exceptions["oidcc-rp-initiated-logout-"+name] = only(s.staysSignedOut("(?i)signed out", true), s.authorize(false))
	}
	s.fapiBrowsing(exceptions)
	return general, exceptions
}

// fapiBrowsing adds the modules of FAPI plans that differ.
func (s *site) fapiBrowsing(exceptions map[string]any) {
	only := func(visits ...visit) map[string]any { return map[string]any{"browser": visits} }
	for _, prefix := range []string{"fapi1-advanced-final-", "fapi2-security-profile-final-"} {
		exceptions[prefix+"user-rejects-authentication"] = only(s.refuses())
		exceptions[prefix+"par-ensure-reused-request-uri-prior-to-auth-completion-succeeds"] = only(s.looksFirst()...)
		for name := range strings.FieldsSeq(mayEnd) {
			exceptions[prefix+name] = only(s.ends())
		}
	}
}

// mayEnd has the modules of FAPI plans whose authorization requests may end on the error
// page or at the client, if they are not refused before.
const mayEnd = `
	ensure-authorization-request-with-long-nonce ensure-authorization-request-with-long-state
	ensure-authorization-request-without-request-object-fails ensure-authorization-request-without-state-success
	ensure-different-nonce-inside-and-outside-request-object ensure-different-state-inside-and-outside-request-object
	ensure-expired-request-object-fails ensure-matching-key-in-authorization-request
	ensure-redirect-uri-in-authorization-request ensure-registered-redirect-uri
	ensure-request-object-signature-algorithm-is-not-none ensure-request-object-with-64-char-nonce-success
	ensure-request-object-with-bad-aud-fails ensure-request-object-with-exp-over-60-fails
	ensure-request-object-with-invalid-signature-fails ensure-request-object-with-long-nonce
	ensure-request-object-with-long-state ensure-request-object-with-nbf-over-60-fails
	ensure-request-object-without-exp-fails ensure-request-object-without-nbf-fails
	ensure-request-object-without-nonce-fails ensure-request-object-without-redirect-uri-fails
	ensure-request-object-without-scope-fails ensure-response-mode-query ensure-response-type-code-fails
	ensure-response-type-code-idtoken-fails ensure-response-type-token-fails
	ensure-server-handles-non-matching-intent-id ensure-signed-request-object-with-RS256-fails
	ensure-unsigned-authorization-request-without-using-par-fails ensure-unsigned-request-at-par-endpoint-fails
	par-attempt-invalid-redirect_uri par-attempt-reuse-request_uri par-attempt-to-use-expired-request_uri
	par-attempt-to-use-request_uri-for-different-client par-ensure-pkce-required par-plain-pkce-rejected
	par-pushed-authorization-url-as-audience-in-request-object plain-fapi-tolerate-unregistered-redirect-uri
	state-only-outside-request-object-not-used test-essential-acr-sca-claim`
