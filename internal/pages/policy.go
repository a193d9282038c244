package pages

import (
	"net/http"
	"strings"
)

// base is the content security policy of every page: nothing inline, no frames, style and
// icons from this server, and client logos from any https host.
const base = "default-src 'none'; style-src 'self'; img-src 'self' https: data:; font-src 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'"

// policy is the set of security headers of a page.
type policy struct {
	csp string
	// referrer keeps request IDs, which are in the URLs of pages, within this origin.
	referrer string
	// isolated removes the window's reference to its opener.
	isolated bool
	// passing marks pages that lead on by themselves or show something once, and last those that
	// cannot be requested again: the language chooser is not on the first, and leads from the others
	// to the start page.
	passing, last bool
	// layout is the template of the whole page; empty for that of a card.
	layout string
}

// policies returns the policy of every page.
//
// A page whose form leads to a client has no form-action: browsers apply the directive to each
// redirect after the submission, so 'self' would block the redirect to the client, and a list
// of the client's hosts would block the next redirect.
//
// Such a page also has no Cross-Origin-Opener-Policy. Clients open the sign-in in a popup that
// reports to window.opener, and any value of the header on any page of the flow would break
// that permanently. The opener can only read closed and navigate the window, which it could do
// before. Pages that no client opens are isolated.
//
// The referrer is same-origin rather than no-referrer: both send nothing to other hosts, but
// with no-referrer browsers send "Origin: null" with the forms of this server, which the check
// against cross-site posts rejects if the browser sends no Sec-Fetch-Site. A form_post
// response sends the origin, without a path, since some clients check it.
func policies() map[string]policy {
	onward := policy{csp: base, referrer: "same-origin"}
	ending := policy{csp: base + "; form-action 'self'", referrer: "same-origin"}
	ours := policy{csp: base + "; form-action 'self'", referrer: "same-origin", isolated: true}
	scripted := onward
	scripted.csp += "; script-src 'self'; connect-src 'self'"
	solving := onward
	solving.csp += "; script-src 'self'"
	answer := policy{csp: base + "; script-src 'self'", referrer: "strict-origin", passing: true}
	leaving := policy{csp: base + "; script-src 'self'; form-action 'none'", referrer: "no-referrer", passing: true}
	codes := policy{csp: ours.csp + "; script-src 'self'", referrer: "same-origin", isolated: true, passing: true, layout: "console"}
	console := ours
	console.layout = "console"
	founding := solving
	founding.isolated = true
	keys := console
	keys.csp += "; script-src 'self'"
	// The pages of one-time links load nothing from other hosts.
	link := policy{csp: strings.Replace(base, "img-src 'self' https: data:", "img-src 'self'", 1), referrer: "no-referrer"}
	scriptedLink := link
	scriptedLink.csp += "; script-src 'self'"
	linkDone := link
	linkDone.last = true
	done, doneOurs := ending, ours
	done.last, doneOurs.last = true, true

	all := map[string]policy{
		"signin":          scripted,
		"passkeycreate":   scripted,
		"secondfactor":    scripted,
		"signincode":      onward,
		"entersignincode": onward,
		"enroloffer":      onward,
		"enrol":           onward,
		"newpassword":     onward,
		"acceptterms":     onward,
		"signup":          solving,
		"choose":          onward,
		"consent":         onward,
		"signout":         onward,
		"signedout":       ending,
		"leaving":         leaving,
		"error":           ending,
		"formpost":        answer,
		"device":          onward,
		"devicecheck":     onward,
		"devicedone":      done,
		"setup":           founding, // leads to the console, which may be on another origin
		"setupdone":       doneOurs,
		"home":            ours,

		"authenticator":    console,
		"recoverycodes":    console,
		"newrecoverycodes": codes,
		"passkeys":         keys,
		"confirmremoval":   console,
		"lostpasskeys":     console,
		"recover":          link, "recoversent": link, "recoverfactor": link, "recoverpassword": link,
		"recoverdone": linkDone, "undodeletion": link, "notme": link, "deletionundone": linkDone,
		"verify": link, "verifycode": link, "verifyname": link, "invitation": scriptedLink,
		"showncode": linkDone, "verified": linkDone, "accountcreated": linkDone,
	}
	for _, name := range templatesWith("account-") {
		all[name] = console
	}
	all["account-profile"] = keys
	refreshed := keys
	refreshed.csp += "; connect-src 'self'"
	all["account-data"] = refreshed
	// The administrators' console loads nothing from other hosts, and runs only the scripts of this
	// release: a browser that compares no external scripts with hashes (CSP Level 3) runs none, and
	// the pages work without. Passkeys need their script, also during an upgrade, when another
	// replica may serve that of another release, so other pages name their origin.
	operators := console
	operators.csp = strings.Replace(operators.csp, "img-src 'self' https: data:", "img-src 'self'", 1) + "; require-trusted-types-for 'script'; trusted-types 'none'"
	for _, name := range []string{"notsignedin", "continue"} {
		alone := operators
		alone.layout, alone.last, alone.passing = "", name == "notsignedin", name == "continue"
		all[name] = alone
	}
	for _, name := range templatesWith("console-") {
		all[name] = operators
	}
	copied := operators
	copied.csp += "; script-src " + hashes("copy.js")
	for _, name := range []string{"console-explain", "console-invitations", "console-trial"} {
		all[name] = copied
	}
	checking := operators
	checking.csp += "; script-src " + hashes("connect.js")
	all["console-connect"] = checking
	waiting := operators
	waiting.csp += "; script-src " + hashes("copy.js", "waiting.js") + "; connect-src 'self'"
	all["console-detail"] = waiting
	renewed := operators
	renewed.csp += "; script-src " + hashes("live.js") + "; connect-src 'self'"
	all["console-audit"] = renewed
	return all
}

// hashes returns the sources of the embedded scripts for script-src. Each script element needs the
// attribute integrity with the same hash.
//
// Spec: Content Security Policy Level 3 §6.7.2.
func hashes(names ...string) string {
	sources := make([]string, len(names))
	for i, name := range names {
		hash, err := integrity(name)
		if err != nil {
			panic(err) // the name is that of an embedded file
		}
		sources[i] = "'" + hash + "'"
	}
	return strings.Join(sources, " ")
}

// set writes the policy, and the headers that all pages share: pages are not cached, framed or
// sniffed.
func (p policy) set(h http.Header) {
	h.Set("Content-Security-Policy", p.csp)
	h.Set("Referrer-Policy", p.referrer)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cache-Control", "no-store")
	if p.isolated {
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
	}
}
