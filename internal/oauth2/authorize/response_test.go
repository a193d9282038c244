package authorize

import "testing"

func TestResponsesAreAppendedToTheRedirectURI(t *testing.T) {
	t.Parallel()
	for redirectURI, want := range map[string]struct{ mode, location string }{
		"https://rp.example/cb":      {modeQuery, "https://rp.example/cb?code=a%26b&state=x+y&iss=https%3A%2F%2Fop.example"},
		"https://rp.example/cb?":     {modeQuery, "https://rp.example/cb?code=a%26b&state=x+y&iss=https%3A%2F%2Fop.example"},
		"https://rp.example/cb?a=1":  {modeQuery, "https://rp.example/cb?a=1&code=a%26b&state=x+y&iss=https%3A%2F%2Fop.example"},
		"https://rp.example/cb?a=1&": {modeQuery, "https://rp.example/cb?a=1&code=a%26b&state=x+y&iss=https%3A%2F%2Fop.example"},
		"https://rp.example/cb?b=2":  {modeFragment, "https://rp.example/cb?b=2#code=a%26b&state=x+y&iss=https%3A%2F%2Fop.example"},
	} {
		a := &AuthorizationRequest{redirectURI: redirectURI, state: "x y", responseMode: want.mode}
		response := commonParameters(a, "https://op.example", []parameter{{"code", "a&b"}})
		if got := redirectURI + separator(a) + encodeParameters(response); got != want.location {
			t.Errorf("%s: %s, want %s", redirectURI, got, want.location)
		}
	}
}
