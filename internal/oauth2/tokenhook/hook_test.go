package tokenhook

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/ostiary/ostiary/internal/grant"
)

// saying is a hook that answers the same to everything.
type saying struct {
	status int
	answer string
	err    error
}

func (s saying) Call(context.Context, []byte) (int, []byte, error) {
	return s.status, []byte(s.answer), s.err
}

func TestResponseReplacesExtraClaims(t *testing.T) {
	t.Parallel()

	before := grant.ExtraClaims{IDToken: json.RawMessage(`{"a":1}`), AccessToken: json.RawMessage(`{"b":2}`), ForcedSubject: "x"}
	for name, tc := range map[string]struct {
		hook saying
		want grant.ExtraClaims
		err  error
	}{
		"silence":            {saying{status: 204}, before, nil},
		"both":               {saying{200, `{"session":{"id_token":{"c":3},"access_token":{"d":4}}}`, nil}, grant.ExtraClaims{IDToken: json.RawMessage(`{"c":3}`), AccessToken: json.RawMessage(`{"d":4}`), ForcedSubject: "x"}, nil},
		"one":                {saying{200, `{"session":{"id_token":{"c":3},"access_token":null}}`, nil}, grant.ExtraClaims{IDToken: json.RawMessage(`{"c":3}`), ForcedSubject: "x"}, nil},
		"nothing":            {saying{200, `{"session":{}}`, nil}, grant.ExtraClaims{ForcedSubject: "x"}, nil},
		"the protocol's":     {saying{200, `{"session":{"id_token":{"sub":"y","acr":"z"}}}`, nil}, grant.ExtraClaims{ForcedSubject: "x"}, nil},
		"no":                 {saying{403, `{"session":{}}`, nil}, before, ErrDenied},
		"an error":           {saying{err: errors.New("lost")}, before, ErrFailed},
		"another status":     {saying{http.StatusAccepted, `{"session":{}}`, nil}, before, ErrFailed},
		"no session":         {saying{200, `{}`, nil}, before, ErrFailed},
		"a list":             {saying{200, `[]`, nil}, before, ErrFailed},
		"claims in a list":   {saying{200, `{"session":{"id_token":[]}}`, nil}, before, ErrFailed},
		"claims in a string": {saying{200, `{"session":{"access_token":"x"}}`, nil}, before, ErrFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			for _, ask := range []func(context.Context, Caller, *Subject) (grant.ExtraClaims, error){Tokens, Refresh} {
				got, err := ask(t.Context(), tc.hook, &Subject{Extra: before})
				same := string(got.IDToken) == string(tc.want.IDToken) && string(got.AccessToken) == string(tc.want.AccessToken) && got.ForcedSubject == tc.want.ForcedSubject
				if !same || !errors.Is(err, tc.err) {
					t.Errorf("got %s %s %q, %v; want %s %s %q, %v", got.IDToken, got.AccessToken, got.ForcedSubject, err,
						tc.want.IDToken, tc.want.AccessToken, tc.want.ForcedSubject, tc.err)
				}
			}
		})
	}
}

// FuzzAnswer checks that every response of a hook is rejected, or results in valid claims.
func FuzzAnswer(f *testing.F) {
	f.Add(200, `{"session":{"id_token":{"c":3,"sub":"x"},"access_token":{"d":4}}}`)
	f.Add(200, `{"session":null}`)
	f.Add(403, ``)
	f.Fuzz(func(t *testing.T, status int, text string) {
		got, err := Tokens(t.Context(), saying{status, text, nil}, &Subject{})
		if err != nil {
			if !errors.Is(err, ErrDenied) && !errors.Is(err, ErrFailed) {
				t.Errorf("error %v is neither a denial nor a failure", err)
			}
			return
		}
		for _, raw := range []json.RawMessage{got.IDToken, got.AccessToken} {
			var claims map[string]any
			if len(raw) > grant.MaxClaims || len(raw) > 0 && json.Unmarshal(raw, &claims) != nil {
				t.Errorf("%q gives %s", text, raw)
			}
		}
		var parsed map[string]any
		if len(got.IDToken) > 0 && json.Unmarshal(got.IDToken, &parsed) == nil && parsed["sub"] != nil {
			t.Errorf("%q gives a sub", text)
		}
	})
}
