package client

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// FuzzMatchRedirectURI checks that matching URIs are equal byte for byte, except for the port
// of a native client's loopback address.
func FuzzMatchRedirectURI(f *testing.F) {
	for _, seed := range [][2]string{
		{"https://rp.example/cb", "https://rp.example/cb"},
		{"https://rp.example/cb", "https://rp.example/cb?x"},
		{"https://rp.example/cb", "HTTPS://rp.example/cb"},
		{"https://rp.example/cb", "https://rp.example/%63b"},
		{"http://127.0.0.1/cb", "http://127.0.0.1:5000/cb"},
		{"http://127.0.0.1:1/cb?a=b", "http://127.0.0.1:65535/cb?a=b"},
		{"http://[::1]/cb", "http://[::1]:5000/cb"},
		{"http://127.0.0.1/cb", "http://127.0.0.1:80@evil.example/cb"},
		{"http://127.0.0.1/cb", "http://evil@127.0.0.1:80/cb"},
		{"http://127.0.0.1/cb", "http://127.0.0.1.evil.example/cb"},
		{"http://127.0.0.1/cb", "http://127.0.0.1:80/cb#"},
		{"http://127.0.0.1", "http://127.0.0.1:8"},
		{"http://localhost/cb", "http://localhost:8/cb"},
		{"com.example.app:/cb", "com.example.app:/cb"},
	} {
		f.Add(seed[0], seed[1], true)
		f.Add(seed[0], seed[1], false)
	}
	f.Fuzz(func(t *testing.T, registered, requested string, native bool) {
		kind := "web"
		if native {
			kind = "native"
		}
		c := &Client{Metadata: Metadata{ApplicationType: kind, RedirectURIs: []string{registered}}}
		if len(c.Validate(Policy{})) > 0 {
			return // it would never have been registered
		}
		if !c.MatchRedirectURI(requested) {
			if requested == registered {
				t.Errorf("%q does not match itself", registered)
			}
			return
		}
		if registered == requested {
			return
		}
		a, errA := url.Parse(registered)
		b, errB := url.Parse(requested)
		if errA != nil || errB != nil {
			t.Fatalf("%q matches %q, which is no URI", registered, requested)
		}
		if !native || a.Scheme != "http" || a.Hostname() != "127.0.0.1" && a.Hostname() != "::1" {
			t.Fatalf("%q matches %q, without the freedom of a loopback address", registered, requested)
		}
		a.Host, b.Host = bracketed(a.Hostname()), bracketed(b.Hostname())
		if a.String() != b.String() || b.User != nil {
			t.Fatalf("%q matches %q, which differs in more than the port", registered, requested)
		}
	})
}

func bracketed(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// FuzzMetadata checks that every registration gets a response, and that no accepted one
// contains a URI that runs script or a secret key.
func FuzzMetadata(f *testing.F) {
	for _, seed := range []string{
		`{}`,
		`{"redirect_uris":["https://rp.example/cb"],"client_name":"Shop","contacts":["a@rp.example"]}`,
		`{"redirect_uris":["javascript:alert(1)"]}`,
		`{"redirect_uris":["JAVASCRIPT:alert(1)","data:text/html,x"],"application_type":"native"}`,
		`{"redirect_uris":["com.example.app:/cb"],"application_type":"native","token_endpoint_auth_method":"none"}`,
		`{"redirect_uris":["https://rp.example/cb"],"logo_uri":"data:image/png;base64,AA"}`,
		`{"redirect_uris":["https://rp.example/cb"],"jwks":{"keys":[{"kty":"oct","k":"AAAA"}]}}`,
		`{"redirect_uris":["https://rp.example/cb"],"jwks":{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}}`,
		`{"redirect_uris":["https://rp.example/cb"],"jwks":{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}]}}`,
		`{"redirect_uris":null,"grant_types":["client_credentials"],"default_max_age":1e3}`,
		`{"Redirect_URIs":["javascript:1"],"redirect_uris":["https://rp.example/cb"]}`,
		`{"redirect_uris":["https://rp.example/cb"],"post_logout_redirect_uris":["https://rp.example/bye"]}`,
		`{"redirect_uris":["https://rp.example/cb"],"client_name#ja-Jpan":"店","logo_uri#fr":"https://rp.example/fr","tos_uri#":"javascript:1"}`,
		`{"redirect_uris":["https://rp.example/cb"],"subject_type":"pairwise","sector_identifier_uri":"https://rp.example/s","localized":{"client_name#x":"y"}}`,
		`{"redirect_uris":["https://rp.example/cb"],"jwks_uri":"https://rp.example/k","id_token_encrypted_response_alg":"ECDH-ES","request_uris":["https://rp.example/r#x"]}`,
		`{"redirect_uris":["https://rp.example/cb"],"frontchannel_logout_uri":"https://rp.example/f","backchannel_logout_uri":"https://rp.example/b","dpop_bound_access_tokens":false}`,
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, raw []byte, self bool) {
		var members map[string]json.RawMessage
		if json.Unmarshal(raw, &members) != nil {
			return
		}
		p := open()
		p.SelfRegistered = self
		m, faults := ParseMetadata(members, p)
		for _, fault := range faults {
			if strings.IndexFunc(fault.String(), func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) >= 0 {
				t.Fatalf("fault %q cannot be an error_description", fault)
			}
		}
		if len(faults) > 0 {
			return
		}
		uris := slices.Concat(m.RedirectURIs, m.PostLogoutRedirectURIs, m.RequestURIs, []string{
			m.ClientURI, m.LogoURI, m.PolicyURI, m.TermsURI, m.JWKSURI, m.InitiateLoginURI,
			m.SectorIdentifierURI, m.FrontchannelLogoutURI, m.BackchannelLogoutURI,
		})
		for name, text := range m.Localized {
			if !strings.HasPrefix(name, "client_name#") {
				uris = append(uris, text)
			}
		}
		for _, uri := range uris {
			scheme, _, _ := strings.Cut(strings.ToLower(uri), ":")
			if uri != "" && scheme != "https" && scheme != "http" && !strings.Contains(scheme, ".") {
				t.Fatalf("accepted %q", uri)
			}
		}
		var set struct{ Keys []map[string]json.RawMessage }
		if m.JWKS != nil && json.Unmarshal(m.JWKS, &set) != nil {
			t.Fatalf("accepted the key set %s", m.JWKS)
		}
		for _, key := range set.Keys {
			if key["d"] != nil || key["k"] != nil || key["p"] != nil {
				t.Fatalf("accepted a secret key in %s", m.JWKS)
			}
		}
		again := m
		if more := again.Validate(p); len(more) > 0 {
			t.Fatalf("accepted once, refused the second time: %v", more)
		}
	})
}
