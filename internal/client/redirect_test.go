package client

import "testing"

func TestMatchRedirectURI(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		registered, requested string
		web, native           bool
	}{
		"the same":                  {"https://rp.example/cb?a=b", "https://rp.example/cb?a=b", true, true},
		"another query":             {"https://rp.example/cb?a=b", "https://rp.example/cb", false, false},
		"another case":              {"https://rp.example/cb", "https://RP.example/cb", false, false},
		"a default port":            {"https://rp.example/cb", "https://rp.example:443/cb", false, false},
		"a loopback port":           {"http://127.0.0.1/cb", "http://127.0.0.1:5000/cb", false, true},
		"a loopback port less":      {"http://[::1]:9/cb?a=b", "http://[::1]/cb?a=b", false, true},
		"a loopback port, no path":  {"http://127.0.0.1", "http://127.0.0.1:65535", false, true},
		"a port of localhost":       {"http://localhost/cb", "http://localhost:5000/cb", false, false},
		"port 0":                    {"http://127.0.0.1/cb", "http://127.0.0.1:0/cb", false, false},
		"port 65536":                {"http://127.0.0.1/cb", "http://127.0.0.1:65536/cb", false, false},
		"a port of leading zeros":   {"http://127.0.0.1/cb", "http://127.0.0.1:080/cb", false, false},
		"a colon without a port":    {"http://127.0.0.1/cb", "http://127.0.0.1:/cb", false, false},
		"the other loopback":        {"http://127.0.0.1/cb", "http://[::1]/cb", false, false},
		"a port and a fragment":     {"http://127.0.0.1/cb", "http://127.0.0.1:80/cb#", false, false},
		"a port and another query":  {"http://127.0.0.1/cb", "http://127.0.0.1:80/cb?x", false, false},
		"a port that is a password": {"http://127.0.0.1/cb", "http://127.0.0.1:80@evil.example/cb", false, false},
		"nothing":                   {"http://127.0.0.1/cb", "", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			for kind, want := range map[string]bool{"web": tc.web, "native": tc.native} {
				c := &Client{Metadata: Metadata{ApplicationType: kind, RedirectURIs: []string{tc.registered}}}
				if got := c.MatchRedirectURI(tc.requested); got != want {
					t.Errorf("%s client with %q: match of %q = %v, want %v", kind, tc.registered, tc.requested, got, want)
				}
			}
		})
	}
}
