package client

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestRedirectURIsAreHeldAgainstAPositiveList(t *testing.T) {
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

func TestOnlyTheOperatorLetsRedirectsBePlain(t *testing.T) {
	t.Parallel()

	m := Metadata{RedirectURIs: []string{"http://intranet.example/cb"}}
	if faults := m.Validate(Policy{}); len(faults) != 1 {
		t.Errorf("faults = %v, want one", faults)
	}
	if faults := m.Validate(Policy{PlainRedirects: true}); len(faults) != 0 {
		t.Errorf("with PlainRedirects: faults = %v, want none", faults)
	}
}

func TestListsOfURIsAreBounded(t *testing.T) {
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

func TestPostLogoutURIsStayWithTheClientsOwnHosts(t *testing.T) {
	t.Parallel()

	for uri, want := range map[string]bool{
		"https://rp.example/bye":          true,
		"https://rp.example:443/bye":      true,
		"https://RP.example/bye":          true,
		"https://rp.example:8443/bye":     false,
		"http://localhost:5555/bye":       true,
		"http://localhost:6666/bye":       false,
		"https://other.example/bye":       false,
		"https://sub.rp.example/bye":      false,
		"https://rp.example/bye#now":      false,
		"javascript:alert(1)":             false,
		"https://rp.example@evil.example": false,
	} {
		t.Run(uri, func(t *testing.T) {
			t.Parallel()

			raw, err := json.Marshal(map[string]any{"post_logout_redirect_uris": []string{uri}, "redirect_uris": []string{
				"http://localhost:5555/callback", "https://rp.example/cb",
			}})
			if err != nil {
				t.Fatal(err)
			}
			_, faults := parse(t, string(raw), open())
			if got := len(faults) == 0; got != want {
				t.Errorf("accepted = %v (%v), want %v", got, faults, want)
			}
			for _, f := range faults {
				if f.Code != InvalidMetadata || f.Member != "post_logout_redirect_uris" {
					t.Errorf("fault = %+v, want %s of post_logout_redirect_uris", f, InvalidMetadata)
				}
			}
		})
	}
}

func TestDocumentsMayBePlainOnALoopbackAddressOnly(t *testing.T) {
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
