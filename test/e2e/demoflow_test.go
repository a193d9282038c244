//go:build e2e

package e2e

import (
	"encoding/json"
)

// signIn submits the sign-in form.
func (p *browser) signIn(username, password string) int64 {
	p.t.Helper()
	p.write("#username", username)
	p.write("#password", password)
	return p.press("#login")
}

// demoFlow is the sign-in flow of a demo application.
type demoFlow struct {
	demo               string
	username, password string
}

// signIn signs in to the application, with consent.
func (w demoFlow) signIn(p *browser) {
	p.t.Helper()
	p.open(w.demo)
	p.press("#signin")
	if status := p.signIn(w.username, w.password); status != 200 {
		p.t.Fatalf("sign-in ended at %s with status %d: %s", p.address(), status, p.read("body"))
	}
	p.press("#accept")
	p.wantText("#greeting", "Hello")
}

// claims returns the claims of the ID token that the application shows.
func (p *browser) claims() map[string]any {
	p.t.Helper()
	return decode(p, p.read("#id-token h3 + pre ~ h3 + pre"))
}

// authTime returns auth_time of the ID token that the application shows.
func (p *browser) authTime() int64 {
	p.t.Helper()
	at, ok := p.claims()["auth_time"].(float64)
	if !ok {
		p.t.Fatalf("the ID token has no auth_time: %v", p.claims())
	}
	return int64(at)
}

// tokens returns the abbreviated members of the token response that the application shows.
func (p *browser) tokens() map[string]string {
	p.t.Helper()
	return evaluate[map[string]string](p, `Object.fromEntries(
		[...document.querySelectorAll("#token-response [data-member]")].map(
			line => [line.dataset.member, line.querySelector("dd > code").textContent]))`)
}

func decode(p *browser, text string) map[string]any {
	p.t.Helper()
	var members map[string]any
	if err := json.Unmarshal([]byte(text), &members); err != nil {
		p.t.Fatalf("%v: %s", err, text)
	}
	return members
}
