package client

import (
	"context"
	"errors"
	"testing"
)

// pages are documents by their address.
type pages map[string]string

func (p pages) Get(_ context.Context, url string) ([]byte, error) {
	if p[url] == "busy" {
		return nil, ErrBusy
	}
	page, ok := p[url]
	if !ok {
		return nil, errors.New("connection refused")
	}
	return []byte(page), nil
}

func TestVerifySectorRequiresAllRedirectURIs(t *testing.T) {
	t.Parallel()

	const a, b = "https://rp.example/a", "https://rp2.example/b"
	sites := pages{
		"https://s.example/both":   `["` + b + `","` + a + `","https://rp3.example/c"]`,
		"https://s.example/one":    `["` + a + `"]`,
		"https://s.example/none":   `[]`,
		"https://s.example/object": `{"redirect_uris":["` + a + `","` + b + `"]}`,
		"https://s.example/mixed":  `["` + a + `","` + b + `",7]`,
		"https://s.example/null":   `null`,
		"https://s.example/page":   `<html>`,
	}
	for uri, want := range map[string]bool{
		"":                         true,
		"https://s.example/both":   true,
		"https://s.example/one":    false,
		"https://s.example/none":   false,
		"https://s.example/object": false,
		"https://s.example/mixed":  false,
		"https://s.example/null":   false,
		"https://s.example/page":   false,
		"https://s.example/gone":   false,
	} {
		for _, kind := range SubjectTypes() {
			m := Metadata{SubjectType: kind, SectorIdentifierURI: uri, RedirectURIs: []string{a, b}}
			err := m.VerifySector(t.Context(), sites, nil)
			if (err == nil) != want || err != nil && !errors.Is(err, ErrSector) {
				t.Errorf("%s client of %q: %v, want accepted = %v", kind, uri, err, want)
			}
		}
	}

	m := Metadata{SectorIdentifierURI: "https://s.example/", RedirectURIs: []string{a}}
	if err := m.VerifySector(t.Context(), pages{"https://s.example/": "busy"}, nil); !errors.Is(err, ErrBusy) || errors.Is(err, ErrSector) {
		t.Errorf("where there is no room to fetch it: %v, which should be no verdict", err)
	}

	known := Metadata{SectorIdentifierURI: "https://s.example/gone", RedirectURIs: []string{a, b}}
	for name, tc := range map[string]struct {
		m    Metadata
		want bool
	}{
		"nothing changed":   {Metadata{SectorIdentifierURI: known.SectorIdentifierURI, RedirectURIs: []string{b, a}}, true},
		"one less":          {Metadata{SectorIdentifierURI: known.SectorIdentifierURI, RedirectURIs: []string{b}}, true},
		"one more":          {Metadata{SectorIdentifierURI: known.SectorIdentifierURI, RedirectURIs: []string{a, b, a + "a"}}, false},
		"another sector":    {Metadata{SectorIdentifierURI: "https://s.example/none", RedirectURIs: []string{a, b}}, false},
		"a sector no more":  {Metadata{RedirectURIs: []string{a, b, a + "a"}}, true},
		"a sector that is":  {Metadata{SectorIdentifierURI: "https://s.example/both", RedirectURIs: []string{a}}, true},
		"a sector that not": {Metadata{SectorIdentifierURI: "https://s.example/one", RedirectURIs: []string{b}}, false},
	} {
		if err := tc.m.VerifySector(t.Context(), sites, &known); (err == nil) != tc.want {
			t.Errorf("%s: %v, want accepted = %v", name, err, tc.want)
		}
	}
}

func TestPairwiseSubjectIsTheSameWithinASector(t *testing.T) {
	t.Parallel()

	subjects := Subjects{Salt: []byte("salt")}
	of := func(id, sector string, redirects ...string) string {
		return subjects.Of(&Client{ID: id, Metadata: Metadata{SubjectType: Pairwise, SectorIdentifierURI: sector, RedirectURIs: redirects}}, "ada")
	}
	one := of("one", "", "https://rp.example/cb")
	for name, tc := range map[string]struct {
		sub  string
		same bool
	}{
		"another client of the host":     {of("two", "", "https://rp.example:8443/cb?x", "https://rp.example/b"), true},
		"the host in capitals":           {of("two", "", "https://RP.example/cb"), true},
		"by the sector's address":        {of("two", "https://rp.example/sector", "https://other.example/cb"), true},
		"another host":                   {of("one", "", "https://other.example/cb"), false},
		"another sector for the host":    {of("one", "https://other.example/sector", "https://rp.example/cb"), false},
		"an app without a host":          {of("one", "", "com.example.app:/cb"), false},
		"an app that claims the host":    {of("two", "", "com.evil.app://rp.example/cb"), false},
		"another salt":                   {Subjects{Salt: []byte("else")}.Of(&Client{Metadata: Metadata{SubjectType: Pairwise, RedirectURIs: []string{"https://rp.example/cb"}}}, "ada"), false},
		"the name that all know them by": {"ada", false},
	} {
		if (tc.sub == one) != tc.same {
			t.Errorf("%s: %q beside %q, want the same = %v", name, tc.sub, one, tc.same)
		}
	}
	if of("one", "", "com.example.app:/cb") == of("two", "", "https://one/cb") {
		t.Error("a host that is called as a client is has the client's own sector")
	}
	for _, uri := range []string{"com.example.app:/cb", "com.example.app://cb", "http://127.0.0.1/cb", "http://localhost:5555/cb"} {
		if of("one", "", uri) == of("two", "", uri) {
			t.Errorf("two apps at %s share a sector", uri)
		}
	}
	device := []string{GrantAuthorizationCode, GrantDeviceCode}
	for name, tc := range map[string]struct {
		dynamic bool
		grants  []string
		sector  string
		same    bool
	}{
		"self-registered":                               {true, nil, "", true},
		"self-registered, with the device grant":        {true, device, "", false},
		"that, and the operator vouches for it":         {true, device, SectorHost, true},
		"of the operator, with the device grant":        {false, device, "", true},
		"of the operator, a sector of its own":          {false, nil, SectorClient, false},
		"self-registered, had the device grant earlier": {true, nil, SectorClient, false},
	} {
		for _, document := range []string{"", "https://rp.example/sector"} {
			c := &Client{ID: "three", Dynamic: tc.dynamic, Metadata: Metadata{
				SubjectType: Pairwise, SectorIdentifierURI: document, RedirectURIs: []string{"https://rp.example/cb"},
				GrantTypes: tc.grants, SubjectSector: tc.sector,
			}}
			if got := subjects.Of(c, "ada") == one; got != tc.same {
				t.Errorf("%s, sector document %q: the host's names: %v, want %v", name, document, got, tc.same)
			}
		}
	}
	if got := subjects.Of(&Client{Metadata: Metadata{SubjectType: Public}}, "ada"); got != "ada" {
		t.Errorf("a public client knows ada as %q", got)
	}
}
