package login_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
)

// signUpForm opens the sign-up form of a new request.
func signUpForm(b *servertest.Browser) servertest.Response {
	b.Server.TB.Helper()
	return b.Get(b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "create").Encode()).Location().String())
}

// sendSignUp submits a sign-up form for the nth user with a proof of work, which may be empty.
func sendSignUp(b *servertest.Browser, form servertest.Response, n int, proof string) int {
	name := fmt.Sprintf("user-%d", n)
	return b.Post(form.FormAction(), url.Values{
		"request": {form.HiddenField("request")}, "username": {name}, "email": {name + "@example.com"},
		"password": {newPassword}, "repeat": {newPassword}, "proof": {proof},
	}).Status
}

// Without a proof of work a network creates two accounts in an hour, with one ten. A proof counts
// once, and new ones become harder.
func TestSignUpWithProofOfWork(t *testing.T) {
	eachMailServer(t, verified(), func(t *testing.T, s *mailServer) {
		t.Helper()
		b := s.NewBrowser()
		first := signUpForm(b)
		servertest.Contains(t, first.Body, "/proof.js", `role="status"`, `data-bits="13"`)
		servertest.Contains(t, first.Header.Get("Content-Security-Policy"), "script-src 'self'")
		proof := servertest.SolveProof(first)
		for n, tc := range []struct {
			proof string
			want  int
		}{
			{proof, http.StatusSeeOther},
			{"", http.StatusSeeOther},    // without script
			{proof, http.StatusSeeOther}, // used before: as without one
			{proof, http.StatusTooManyRequests},
			{"", http.StatusTooManyRequests},
			{servertest.SolveProof(signUpForm(s.NewBrowser())), http.StatusTooManyRequests}, // of another request
		} {
			if got := sendSignUp(b, first, n, tc.proof); got != tc.want {
				t.Errorf("sign-up %d: status %d, want %d", n, got, tc.want)
			}
		}
		for n := 10; n < 13; n++ {
			next := s.NewBrowser()
			form := signUpForm(next)
			if strings.Contains(form.Body, `data-bits="13"`) {
				t.Errorf("sign-up %d is as easy as the first", n)
			}
			if got := sendSignUp(next, form, n, servertest.SolveProof(form)); got != http.StatusSeeOther {
				t.Errorf("sign-up %d with a proof: status %d", n, got)
			}
		}
	})
}

func TestSignUpWithoutProofOfWork(t *testing.T) {
	eachMailServer(t, verified("sign_up_proof_of_work", "off"), func(t *testing.T, s *mailServer) {
		t.Helper()
		b := s.NewBrowser()
		form := signUpForm(b)
		servertest.Lacks(t, form.Body, "proof")
		for n := range 4 {
			if got := sendSignUp(b, form, n, ""); got != http.StatusSeeOther {
				t.Errorf("sign-up %d: status %d", n, got)
			}
		}
	})
}
