package pages

import "net/http"

// base is the content security policy of every page: nothing inline, nothing
// framed, style and icons from here, and a client's logo from any https host.
const base = "default-src 'none'; style-src 'self'; img-src 'self' https: data:; font-src 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'"

// policy is what a page tells the browser to allow.
type policy struct {
	csp string
	// referrer keeps request ids, which stand in the URLs of pages, from leaving
	// this origin.
	referrer string
	// alone cuts a window off from whoever opened it.
	alone bool
}

// policies names every page and the policy it is sent under.
//
// A page whose form ends at a client has no form-action: browsers hold that
// directive against each redirect that follows the submission, so 'self' would
// stop the person on the way back to the client, and a list of the client's own
// hosts would stop them at the next redirect beyond it.
//
// Neither does such a page set Cross-Origin-Opener-Policy. Clients open sign-in
// in a popup and wait for it to report back to window.opener; any value of that
// header on any page of the way would cut the tie for good. What the opener can
// do with it, looking at closed and moving the window elsewhere, it could do
// before the window came here. Pages that no client opens are cut off.
//
// The referrer is same-origin rather than no-referrer: neither tells another
// host anything, but under the latter browsers send "Origin: null" with our own
// forms, which a check against cross-site posts refuses where the browser sends
// no Sec-Fetch-Site. A form_post answer names our origin, without a path, since
// some clients check who posts to them.
func policies() map[string]policy {
	onward := policy{csp: base, referrer: "same-origin"}
	ending := policy{csp: base + "; form-action 'none'", referrer: "same-origin"}
	ours := policy{csp: base + "; form-action 'self'", referrer: "same-origin", alone: true}
	answer := policy{csp: base + "; script-src 'self'", referrer: "strict-origin"}
	leaving := policy{csp: base + "; script-src 'self'; form-action 'none'", referrer: "no-referrer"}

	return map[string]policy{
		"signin":      onward,
		"signup":      onward,
		"choose":      onward,
		"consent":     onward,
		"signout":     onward,
		"signedout":   ending,
		"leaving":     leaving,
		"error":       ending,
		"formpost":    answer,
		"device":      onward,
		"devicecheck": onward,
		"devicedone":  ending,
		"setup":       ours,
		"setupdone":   ours,
		"home":        ours,
	}
}

// set writes the policy and what all pages share: they are never stored, framed
// or guessed at.
func (p policy) set(h http.Header) {
	h.Set("Content-Security-Policy", p.csp)
	h.Set("Referrer-Policy", p.referrer)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cache-Control", "no-store")
	if p.alone {
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
	}
}
