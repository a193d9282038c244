package client

import (
	"fmt"
	"strings"
	"testing"
)

func TestRedirectURIsAreValidated(t *testing.T) {
	t.Parallel()

	long := "https://rp.example/" + strings.Repeat("a", 3000)
	for uri, wanted := range map[string]struct{ web, native bool }{
		"https://rp.example/cb":                    {true, true},
		"https://rp.example:8443/cb?a=b&c=%20":     {true, true},
		"https://[2001:db8::1]/cb":                 {true, true},
		"https://rp_1.example/cb":                  {true, true},
		"http://127.0.0.1:1234/cb":                 {true, true},
		"http://[::1]/cb":                          {true, true},
		"http://localhost:5555/callback":           {true, true},
		"com.example.app:/oauth":                   {false, true},
		"com.example.app://oauth/cb":               {false, true},
		"http://rp.example/cb":                     {false, false},
		"http://127.0.0.2/cb":                      {false, false},
		"http://localhost.evil.example/cb":         {false, false},
		"http://127.0.0.1.evil.example/cb":         {false, false},
		"http://127.0.0.1@evil.example/cb":         {false, false},
		"http://evil@127.0.0.1/cb":                 {false, false},
		"myapp:/oauth":                             {false, false},
		"javascript:alert(1)":                      {false, false},
		"JavaScript:alert(1)":                      {false, false},
		"java\tscript:alert(1)":                    {false, false},
		"data:text/html,<script>alert(1)</script>": {false, false},
		"vbscript:msgbox(1)":                       {false, false},
		"file:///etc/passwd":                       {false, false},
		"blob:https://rp.example/1":                {false, false},
		"https://rp.example/cb#":                   {false, false},
		"https://rp.example/cb#x":                  {false, false},
		"https://*.rp.example/cb":                  {false, false},
		"https://rp.example/*":                     {false, false},
		"https://user@rp.example/cb":               {false, false},
		"https://rp.example@rp.example/cb":         {false, false},
		"https://:secret@rp.example/cb":            {false, false},
		"https://rp.example\\@evil.example/cb":     {false, false},
		"https://rp.example%2eevil.example/cb":     {false, false},
		"https://rp.example:0/cb":                  {false, false},
		"https://rp.example:70000/cb":              {false, false},
		"https://rp.example:/cb":                   {false, false},
		"https:///cb":                              {false, false},
		"https://:443/cb":                          {false, false},
		"https:rp.example/cb":                      {false, false},
		"https://[fe80::1%25eth0]/cb":              {false, false},
		"//rp.example/cb":                          {false, false},
		"/cb":                                      {false, false},
		"":                                         {false, false},
		"https://rp.example/ü":                     {false, false},
		"https://rp.example/ cb":                   {false, false},
		" https://rp.example/cb":                   {false, false},
		"https://rp.example/cb\x00":                {false, false},
		"https://rp.example/%zz":                   {false, false},
		"com.example.app://user@oauth/cb":          {false, false},
		long:                                       {false, false},
	} {
		t.Run(uri[:min(len(uri), 60)], func(t *testing.T) {
			t.Parallel()

			for kind, want := range map[string]bool{"web": wanted.web, "native": wanted.native} {
				m := Metadata{ApplicationType: kind, RedirectURIs: []string{uri}}
				faults := m.Validate(open())
				if got := len(faults) == 0; got != want {
					t.Errorf("%s client with %q: accepted = %v (%v), want %v", kind, uri, got, faults, want)
				}
				for _, f := range faults {
					if f.Code != InvalidRedirectURI || f.Member != "redirect_uris" {
						t.Errorf("fault = %+v, want %s of redirect_uris", f, InvalidRedirectURI)
					}
				}
			}
		})
	}
}

func TestOnlyTheOperatorAllowsHTTPBeyondLoopback(t *testing.T) {
	t.Parallel()

	const inside = "http://grafana.internal:3000/login/generic_oauth"
	for name, tc := range map[string]struct {
		members string
		policy  Policy
		want    bool
	}{
		"the operator, for this client":    {`"allow_http_redirects":true`, Policy{}, true},
		"the operator, without a word":     {`"allow_http_redirects":false`, Policy{}, false},
		"the client itself":                {`"allow_http_redirects":true`, Policy{SelfRegistered: true}, false},
		"the client, what was allowed":     {`"client_name":"x"`, Policy{SelfRegistered: true, HTTPRedirects: []string{inside}}, true},
		"the client, another address":      {`"client_name":"x"`, Policy{SelfRegistered: true, HTTPRedirects: []string{inside + "2"}}, false},
		"the operator, but not any scheme": {`"allow_http_redirects":true,"post_logout_redirect_uris":["javascript:alert(1)"]`, Policy{}, false},
		"the operator, with a user name":   {`"allow_http_redirects":true,"post_logout_redirect_uris":["http://a@grafana.internal/"]`, Policy{}, false},
		"the operator, for after sign-out": {`"allow_http_redirects":true,"post_logout_redirect_uris":["http://grafana.internal:3000/bye"]`, Policy{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			m, faults := parse(t, `{"redirect_uris":["`+inside+`"],`+tc.members+`}`, tc.policy)
			if got := len(faults) == 0; got != tc.want {
				t.Errorf("accepted = %v (%v), want %v", got, faults, tc.want)
			}
			if tc.policy.SelfRegistered && m.AllowHTTPRedirects {
				t.Error("the client allowed itself http")
			}
		})
	}
}

func TestListsOfURIsAreLimited(t *testing.T) {
	t.Parallel()

	var m Metadata
	for i := range maxURIs + 1 {
		m.RedirectURIs = append(m.RedirectURIs, fmt.Sprintf("https://rp.example/%d", i))
	}
	if faults := m.Validate(open()); len(faults) != 1 || faults[0].Code != InvalidRedirectURI {
		t.Errorf("%d URIs: faults = %v, want %s", len(m.RedirectURIs), faults, InvalidRedirectURI)
	}
	m.RedirectURIs = m.RedirectURIs[1:]
	if faults := m.Validate(open()); len(faults) != 0 {
		t.Errorf("%d URIs: faults = %v, want none", len(m.RedirectURIs), faults)
	}
}

// RP-Initiated Logout compares strings, and the operator may register any address. Dynamic
// registration must not make the server an open redirector.
func TestPostLogoutRedirectURIs(t *testing.T) {
	t.Parallel()

	const web, native = `"redirect_uris":["http://localhost:5555/callback","https://rp.example/cb"]`,
		`"application_type":"native","redirect_uris":["com.example.app:/oauth","http://127.0.0.1/cb"]`
	for name, tc := range map[string]struct {
		client, uri    string
		self, operator bool
	}{
		"same origin":                     {web, "https://rp.example/bye", true, true},
		"its default port":                {web, "https://rp.example:443/bye", true, true},
		"its host in capitals":            {web, "https://RP.example/bye", true, true},
		"a loopback address of its own":   {web, "http://localhost:5555/bye", true, true},
		"another port":                    {web, "https://rp.example:8443/bye", false, true},
		"another loopback port":           {web, "http://localhost:6666/bye", false, true},
		"another loopback address":        {web, "http://127.0.0.1/bye", false, true},
		"another host":                    {web, "https://other.example/bye", false, true},
		"a subdomain":                     {web, "https://sub.rp.example/bye", false, true},
		"a scheme of a native app":        {web, "com.example.app:/bye", false, true},
		"a fragment":                      {web, "https://rp.example/bye#now", false, false},
		"a wildcard":                      {web, "https://*.rp.example/bye", false, false},
		"a script":                        {web, "javascript:alert(1)", false, false},
		"data":                            {web, "data:text/html,x", false, false},
		"a scheme without a dot":          {web, "myapp:/bye", false, false},
		"a user name before another host": {web, "https://rp.example@evil.example", false, false},
		"http on another host":            {web, "http://rp.example/bye", false, false},
		"the scheme of its own":           {native, "com.example.app:/bye", true, true},
		"its scheme, with a host":         {native, "com.example.app://signed/out", true, true},
		"its scheme in capitals":          {native, "COM.example.app:/bye", true, true},
		"its scheme with a user name":     {native, "com.example.app://a@signed/out", false, false},
		"another scheme":                  {native, "com.example.other:/bye", false, true},
		"another app's host":              {native, "https://rp.example/bye", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			for self, want := range map[bool]bool{true: tc.self, false: tc.operator} {
				p := open()
				p.SelfRegistered = self
				_, faults := parse(t, `{`+tc.client+`,"post_logout_redirect_uris":["`+tc.uri+`"]}`, p)
				if got := len(faults) == 0; got != want {
					t.Errorf("self-registered %t: accepted = %v (%v), want %v", self, got, faults, want)
				}
				for _, f := range faults {
					if f.Code != InvalidMetadata || f.Member != "post_logout_redirect_uris" {
						t.Errorf("fault = %+v, want %s of post_logout_redirect_uris", f, InvalidMetadata)
					}
				}
			}
		})
	}
}

func TestDocumentsMayBeHTTPOnlyOnLoopback(t *testing.T) {
	t.Parallel()

	p := open()
	p.PlainLoopback = true
	for uri, want := range map[string]bool{
		"http://127.0.0.1:9999/jwks": true, "http://rp.example/jwks": false, "ftp://127.0.0.1/jwks": false,
	} {
		m := Metadata{RedirectURIs: []string{"https://rp.example/cb"}, JWKSURI: uri}
		if faults := m.Validate(p); (len(faults) == 0) != want {
			t.Errorf("jwks_uri %s: faults = %v, want accepted = %v", uri, faults, want)
		}
	}
}
