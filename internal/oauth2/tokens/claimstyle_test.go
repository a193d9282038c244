package tokens

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// decodeObject returns the members of a JSON object.
func decodeObject(tb testing.TB, v any) map[string]any {
	tb.Helper()
	encoded, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(encoded, &members); err != nil {
		tb.Fatal(err)
	}
	return members
}

func TestClaimStyle(t *testing.T) {
	t.Parallel()
	const ext = `{"groups":["staff"],"tenant":7,"sub":"mallory"}`
	for name, tc := range map[string]struct {
		style    ClaimStyle
		released map[string]any
		want     map[string]any // of the members that a style may move
	}{
		"as they are": {
			ClaimStyle{Scope: ScopeText},
			nil,
			map[string]any{"scope": "openid api", "ext": map[string]any{"groups": []any{"staff"}, "tenant": 7.0, "sub": "mallory"}},
		},
		"at the top level": {
			ClaimStyle{Scope: ScopeArray, TopLevel: []string{"groups", "sub"}},
			nil,
			map[string]any{"scp": []any{"openid", "api"}, "groups": []any{"staff"}, "ext": map[string]any{"tenant": 7.0, "sub": "mallory"}},
		},
		"mirrored": {
			ClaimStyle{Scope: ScopeBoth, TopLevel: []string{"groups"}, Mirror: true},
			nil,
			map[string]any{
				"scope": "openid api", "scp": []any{"openid", "api"}, "groups": []any{"staff"},
				"ext": map[string]any{"groups": []any{"staff"}, "tenant": 7.0, "sub": "mallory"},
			},
		},
		"with released claims": {
			ClaimStyle{Scope: ScopeText, TopLevel: []string{"groups"}},
			map[string]any{"groups": []string{"released"}, "email": "ada@example.com"},
			map[string]any{
				"scope": "openid api", "groups": []any{"staff"}, "email": "ada@example.com",
				"ext": map[string]any{"tenant": 7.0, "sub": "mallory"},
			},
		},
	} {
		claims := AccessClaims{Subject: "ada", Scope: "openid api", Extra: json.RawMessage(ext)}
		encoded, err := tc.style.encode(&claims, tc.released)
		if err != nil {
			t.Fatal(err)
		}
		got := decodeObject(t, encoded)
		if got["sub"] != "ada" {
			t.Errorf("%s: sub %v, want that of the protocol", name, got["sub"])
		}
		for _, member := range []string{"iss", "sub", "aud", "client_id", "exp", "iat", "jti"} {
			delete(got, member)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: claims differ (-want +got):\n%s", name, diff)
		}

		body, err := json.Marshal(encoded)
		if err != nil {
			t.Fatal(err)
		}
		var read AccessClaims
		if err := json.Unmarshal(body, &read); err != nil {
			t.Fatal(err)
		}
		if err := tc.style.decode(&read, body); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(decodeObject(t, json.RawMessage(ext)), decodeObject(t, read.Extra)); diff != "" || read.Scope != "openid api" {
			t.Errorf("%s: read again, scope %q, ext differs (-want +got):\n%s", name, read.Scope, diff)
		}
	}
}
