package pages

import (
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

func recoverySamples(client func(text, link string) Client) []sample {
	return []sample{
		{"recover", func(p *Pages, w http.ResponseWriter, text, link string) {
			p.Show(w, request(), http.StatusOK, Recover{Action: link, Request: text, Email: text, SignInURL: link, Fault: messages.Literal(text)})
		}, []string{"email", "send", "signin", "fault"}},
		{"recoversent", func(p *Pages, w http.ResponseWriter, text, link string) {
			p.Show(w, request(), http.StatusOK, RecoverSent{Email: text, Lifetime: time.Hour, SignInURL: link})
		}, []string{"signin"}},
		{"signincode", func(p *Pages, w http.ResponseWriter, text, link string) {
			c := client(text, link)
			p.Show(w, request(), http.StatusOK, SignInCode{
				Client: &c, Action: link, Request: text, Email: text, SignInURL: link, Fault: messages.Literal(text),
			})
		}, []string{"email", "send", "signin", "fault"}},
		{"entersignincode", func(p *Pages, w http.ResponseWriter, text, link string) {
			c := client(text, link)
			p.Show(w, request(), http.StatusOK, EnterSignInCode{
				Client: &c, Action: link, Request: text, Email: text, Lifetime: time.Minute, SignInURL: link, Fault: messages.Literal(text),
				RetryAfter: time.Minute,
			})
		}, []string{"code", "verify", "resend", "keep", "signin", "fault"}},
		{"recoverfactor", func(p *Pages, w http.ResponseWriter, text, link string) {
			p.Show(w, request(), http.StatusOK, RecoverFactor{Action: link, OtherURL: link, Fault: messages.Literal(text), RetryAfter: time.Minute})
		}, []string{"code", "verify", "other-way", "fault"}},
		{"recoverpassword", func(p *Pages, w http.ResponseWriter, text, link string) {
			p.Show(w, request(), http.StatusOK, RecoverPassword{Action: link, Username: text, ResetsFactors: true, MinLength: 8, Fault: messages.Literal(text)})
		}, []string{"password", "save", "fault"}},
		{"recoverdone", func(p *Pages, w http.ResponseWriter, text, link string) {
			p.Show(w, request(), http.StatusOK, RecoverDone{Username: text, ContinueURL: link})
		}, []string{"continue"}},
		{"undodeletion", func(p *Pages, w http.ResponseWriter, text, link string) {
			p.Show(w, request(), http.StatusOK, UndoDeletion{Action: link, Username: text, DeletesAt: time.Unix(1, 0)})
		}, []string{"undo"}},
		{"notme", func(p *Pages, w http.ResponseWriter, text, link string) {
			p.Show(w, request(), http.StatusOK, NotMe{Action: link, Username: text, Primary: text, CancelURL: link})
		}, []string{"confirm", "cancel"}},
		{"deletionundone", func(p *Pages, w http.ResponseWriter, text, link string) {
			p.Show(w, request(), http.StatusOK, DeletionUndone{Username: text, ContinueURL: link})
		}, []string{"continue"}},
		{"verify", func(p *Pages, w http.ResponseWriter, text, link string) {
			p.Show(w, request(), http.StatusOK, VerifyAddress{Action: link, Email: text})
		}, []string{"confirm"}},
		{"verifycode", func(p *Pages, w http.ResponseWriter, text, link string) {
			p.Show(w, request(), http.StatusOK, VerifyCode{Action: link, Email: text, Fault: messages.Literal(text)})
		}, []string{"code", "verify", "fault"}},
		{"verifyname", func(p *Pages, w http.ResponseWriter, text, link string) {
			p.Show(w, request(), http.StatusOK, VerifyName{Action: link, Username: text, Code: text, Fault: messages.Literal(text)})
		}, []string{"username", "verify", "fault"}},
		{"showncode", func(p *Pages, w http.ResponseWriter, text, _ string) {
			p.Show(w, request(), http.StatusOK, ShownCode{Code: text, Lifetime: time.Minute})
		}, []string{"shown-code"}},
		{"verified", func(p *Pages, w http.ResponseWriter, text, link string) {
			p.Show(w, request(), http.StatusOK, Verified{Email: text, ContinueURL: link})
		}, []string{"continue"}},
		{"invitation", func(p *Pages, w http.ResponseWriter, text, link string) {
			p.Show(w, request(), http.StatusOK, Invitation{
				Action: link, Email: text, Username: text, Name: text, MinLength: 8, Fault: messages.Literal(text), Field: "terms",
				Terms:   Terms{URL: link, Version: text},
				Passkey: &NewPasskey{Options: text, State: text},
			})
		}, []string{"terms", "terms-link", "username", "name", "password", "create", "passkey", "fault"}},
		{"accountcreated", func(p *Pages, w http.ResponseWriter, text, link string) {
			p.Show(w, request(), http.StatusOK, AccountCreated{Username: text, ContinueURL: link})
		}, []string{"continue"}},
	}
}
