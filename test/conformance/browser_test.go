//go:build conformance

package conformance

// What the suite's browser does on our pages, by the ids of their elements. A task
// is a list of commands on one page; an optional one is passed over where its page
// does not come.

type (
	command = []any
	task    map[string]any
	visit   map[string]any
)

func (s *site) on(name string, optional bool, commands ...command) task {
	return task{"task": name, "match": s.issuer + "/*", "optional": optional, "commands": commands}
}

func (s *site) atSuite(commands ...command) task {
	return task{"task": "Callback processed", "match": s.callbacks + "*", "commands": commands}
}

// placeholder says that the page is kept for whoever reviews the run.
const placeholder = "update-image-placeholder"

// wait returns the command that waits for what a selector of the kind finds.
func wait(kind, what string, seconds int, more ...any) command {
	return append(command{"wait", kind, what, seconds}, more...)
}

// optional clicks, and fills in, what is there.
func click(id string) command { return command{"click", "id", id, "optional"} }

func text(id, value string) command { return command{"text", "id", id, value, "optional"} }

// signIn is the sign-in page; kept also keeps a picture of it.
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

// authorize goes through the pages to the client.
func (s *site) authorize(kept bool) visit {
	return visit{"match": s.issuer + "/*", "tasks": []task{s.signIn(kept), s.consent(), s.backAtSuite(), s.processed()}}
}

// signOut confirms a sign-out that comes back to the client.
func (s *site) signOut() visit {
	back := escaped(s.callbacks) + ".*post_logout_redirect"
	return visit{"match": s.issuer + "/*logout*", "tasks": []task{
		s.on("Confirm", true, click("logout-confirm")),
		s.on("Wait for the redirect", true, wait("match", "^"+back, 15)),
		{"task": "Back at the suite", "match": s.callbacks + "*post_logout_redirect*"},
	}}
}

// frames lets the client's frame ask ours whether the session has changed.
func (s *site) frames() visit {
	return visit{"match": s.callbacks + "*session_verify*", "tasks": []task{
		{"task": "Let the frames talk", "commands": []command{wait("match", "session_result", 20)}},
	}}
}

// stops is an authorization that must end on the error page.
func (s *site) stops() visit {
	return visit{"match": s.issuer + "/*", "tasks": []task{
		s.on("Error page", false, wait("id", "error", 10, ".+", placeholder)),
	}}
}

// ends is an authorization that may end on the error page, or at the client.
func (s *site) ends() visit {
	callback := s.processed()
	callback["optional"] = true
	return visit{"match": s.issuer + "/*", "tasks": []task{
		s.signIn(false), s.consent(), s.on("Error page", true, wait("id", "error", 10, ".+", placeholder+"-optional")), callback,
	}}
}

// shows is a sign-in page that has what selector finds.
func (s *site) shows(selector string) visit {
	return visit{"match": s.issuer + "/*", "tasks": []task{
		s.on("Sign-in page", false, wait("id", "username", 10), wait("css", selector, 5), wait("xpath", "//body", 10, ".+", placeholder)),
	}}
}

// staysSignedOut is a sign-out that ends here; words is a pattern of what is read.
func (s *site) staysSignedOut(words string, confirm bool) visit {
	var tasks []task
	if confirm {
		tasks = append(tasks, s.on("Confirm", true, click("logout-confirm")))
	}
	return visit{"match": s.issuer + "/*logout*", "tasks": append(tasks,
		s.on("Last page", false, wait("xpath", "//body", 10, words, placeholder)))}
}

// browsing is what to do in general, and exceptions in which modules not.
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
	return general, exceptions
}
