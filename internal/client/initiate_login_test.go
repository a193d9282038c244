package client_test

import (
	"testing"

	"github.com/ostiary/ostiary/internal/client"
)

func TestInitiateLogin(t *testing.T) {
	t.Parallel()
	for registered, want := range map[string]string{
		"":                                   "",
		"https://a.example/start":            "https://a.example/start?iss=https%3A%2F%2Fid.example%2F",
		"https://a.example/start?":           "https://a.example/start?iss=https%3A%2F%2Fid.example%2F",
		"https://a.example/s?b=%2f+c&a=1&a=": "https://a.example/s?b=%2f+c&a=1&a=&iss=https%3A%2F%2Fid.example%2F",
		"https://a.example/s?a&":             "https://a.example/s?a&iss=https%3A%2F%2Fid.example%2F",
		"https://a.example/s#top":            "https://a.example/s?iss=https%3A%2F%2Fid.example%2F#top",
	} {
		c := &client.Client{Metadata: client.Metadata{InitiateLoginURI: registered}}
		if got := c.InitiateLogin("https://id.example/"); got != want {
			t.Errorf("InitiateLogin after %q = %q, want %q", registered, got, want)
		}
	}
}
