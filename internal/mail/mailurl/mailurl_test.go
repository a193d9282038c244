package mailurl_test

import (
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/mail/mailurl"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]mailurl.Server{
		"smtp://ada:p%40ss@mail.example": {Host: "mail.example", Port: 587, TLS: mailurl.StartTLS, User: "ada", Password: "p@ss"},
		"smtp://mail.example:2525/":      {Host: "mail.example", Port: 2525, TLS: mailurl.StartTLS},
		"smtps://mail.example":           {Host: "mail.example", Port: 465, TLS: mailurl.Implicit},
		"smtp+plain://127.0.0.1:1025":    {Host: "127.0.0.1", Port: 1025, TLS: mailurl.Plain},
		"smtp+plain://[::1]:1025":        {Host: "::1", Port: 1025, TLS: mailurl.Plain},
		"smtp+plain://localhost":         {Host: "localhost", Port: 25, TLS: mailurl.Plain},
	} {
		if got, err := mailurl.Parse(text); err != nil || got != want {
			t.Errorf("Parse(%q) = %+v, %v, want %+v", text, got, err, want)
		}
	}
}

func TestParseRejects(t *testing.T) {
	t.Parallel()
	for text, fault := range map[string]string{
		"mail.example:587":                     "scheme",
		"http://mail.example":                  "scheme",
		"smtp://":                              "no host",
		"smtp://mail.example/inbox":            "more than a host",
		"smtp://mail.example?tls=off":          "more than a host",
		"smtp://ada@mail.example":              "without a password",
		"smtp://:hunter2@mail.example":         "without a user name",
		"smtp://ada:hunter2@mail.example:0":    "port",
		"smtp://ada:hunter2%zz@mail.example":   "percent-encoded",
		"smtp+plain://mail.example":            "loopback",
		"smtp+plain://192.0.2.1":               "loopback",
		"smtp+plain://ada:hunter2@localhost":   "unencrypted",
		"smtp+plain://localhost.mail.example/": "loopback",
	} {
		_, err := mailurl.Parse(text)
		if err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("Parse(%q) = %v, want an error with %q", text, err, fault)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error for %q shows the password: %v", text, err)
		}
	}
}
