package pages

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// BenchmarkPage renders complete pages. The measurement includes the response recorder.
func BenchmarkPage(b *testing.B) {
	p, err := New(options())
	if err != nil {
		b.Fatal(err)
	}
	acme := Client{Name: "Acme", Host: "acme.example", PolicyURI: "https://acme.example/policy"}
	signIn := SignIn{Client: &acme, Action: "/login", Request: "r", SignUpURL: "/signup?request=r", Cancel: true}
	consent := Consent{
		Remember: true,
		Client:   acme, Action: "/consent", Request: "r", RedirectHost: "acme.example", DisplayName: "Ada Lovelace", Username: "ada",
		Scopes: []Scope{DescribeScope("openid"), DescribeScope("profile"), DescribeScope("email"), DescribeScope("offline_access")},
	}
	formPost := FormPost{Action: "https://acme.example/callback", Fields: []Field{
		{Name: "code", Value: "ost_ac_0123456789"}, {Name: "state", Value: "a state"}, {Name: "iss", Value: "https://id.example"},
	}}
	for _, page := range []struct {
		name  string
		write func(http.ResponseWriter)
	}{
		{"sign in", func(w http.ResponseWriter) { p.SignIn(w, request(), http.StatusOK, signIn) }},
		{"consent", func(w http.ResponseWriter) { p.Consent(w, request(), http.StatusOK, consent) }},
		{"form_post", func(w http.ResponseWriter) { p.FormPost(w, request(), http.StatusOK, formPost) }},
		{"error", func(w http.ResponseWriter) {
			p.Error(w, request(), http.StatusBadRequest, Error{Code: "invalid_request", Detail: "The parameter client_id is missing", RequestID: "r"})
		}},
	} {
		b.Run(page.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				page.write(httptest.NewRecorder())
			}
		})
	}
}

// BenchmarkNew parses every page, as each start of the server does.
func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New(options()); err != nil {
			b.Fatal(err)
		}
	}
}
