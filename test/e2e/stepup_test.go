//go:build e2e

package e2e

import (
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
)

// An application requires a second factor in a session that began with a password: the user
// declines, then proves it. The session stays, with a new cookie.
func TestStepUp(t *testing.T) {
	t.Parallel()
	eachEngine(t, map[string]string{"SECOND_FACTOR": "on_demand"}, func(s *service) {
		first := s.newTour()
		first.open(s.issuer + "/account/authenticator")
		first.signIn(s.username, s.password)
		app := first.authenticatorApp()
		first.write("#code", app.code())
		first.press("#confirm")
		first.wantText(".authenticator", "Not used yet")

		v := s.newTour()
		demoFlow{s.demo, s.username, s.password}.signIn(v.browser)
		before, cookie := v.claims(), v.sessionCookie(s.issuer)
		if before["acr"] != "1" {
			s.t.Errorf("acr after a password = %v, want 1", before["acr"])
		}
		v.open(s.authorizeURL(url.Values{"acr_values": {"2"}, "prompt": {"none"}}))
		v.wantParameter("error", "unmet_authentication_requirements")
		v.open(s.authorizeURL(url.Values{"acr_values": {"2"}}))
		v.wantFocus("code")
		v.check("step-up")
		v.press("#cancel")
		v.wantParameter("error", "unmet_authentication_requirements")
		v.open(s.authorizeURL(url.Values{"acr_values": {"2"}}))
		v.write("#code", app.code())
		v.press("#verify")
		v.wantParameter("state", "a-state-of-the-test")
		if address := v.address(); !strings.Contains(address, "code=") {
			s.t.Errorf("the request ends at %s, want a code", address)
		}

		v.open(s.demo)
		v.press("#silent")
		if after := v.claims(); after["acr"] != "2" || after["sid"] != before["sid"] {
			s.t.Errorf("acr = %v, sid = %v; want 2 and the session %v", after["acr"], after["sid"], before["sid"])
		}
		if v.sessionCookie(s.issuer) == cookie {
			s.t.Error("the cookie of the session stays the same")
		}
		v.open(s.authorizeURL(url.Values{"acr_values": {"2"}, "prompt": {"none"}}))
		v.wantParameter("state", "a-state-of-the-test")
	})
}

// wantParameter fails the test unless the address has the parameter.
func (p *browser) wantParameter(name, want string) {
	p.t.Helper()
	address, err := url.Parse(p.address())
	if err != nil {
		p.t.Fatal(err)
	}
	if got := address.Query().Get(name); got != want {
		p.t.Errorf("%s has %s = %q, want %q", address, name, got, want)
	}
}

// sessionCookie returns the value of the cookie of the session.
func (p *browser) sessionCookie(issuer string) string {
	p.t.Helper()
	result := runAction(p, call(network.GetCookies, network.GetCookiesParams{URLs: []string{issuer + "/"}}))
	for _, cookie := range result.Cookies {
		if strings.HasPrefix(cookie.Name, "ostiary_session") {
			return cookie.Value
		}
	}
	p.t.Fatal("there is no cookie of a session")
	return ""
}
