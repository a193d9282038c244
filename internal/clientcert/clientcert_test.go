package clientcert

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// certify returns a self-signed certificate, which change may change.
func certify(tb testing.TB, change func(*x509.Certificate)) *x509.Certificate {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "client"}, NotAfter: time.Now().Add(time.Hour)}
	if change != nil {
		change(c)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return made
}

func TestSubjectsAreComparedByAttribute(t *testing.T) {
	t.Parallel()
	named := func(name pkix.RDNSequence) *Certificate {
		raw, err := asn1.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		return &Certificate{certify(t, func(c *x509.Certificate) { c.RawSubject = raw }), nil}
	}
	country, organization, commonName, uid := asn1.ObjectIdentifier{2, 5, 4, 6}, asn1.ObjectIdentifier{2, 5, 4, 10}, asn1.ObjectIdentifier{2, 5, 4, 3}, asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}
	c := named(pkix.RDNSequence{
		{{Type: country, Value: "DE"}},
		{{Type: organization, Value: "Müller,  Söhne"}},
		{{Type: uid, Value: "7"}, {Type: commonName, Value: "shop"}},
	})
	for dn, want := range map[string]bool{
		`CN=shop+UID=7,O=Müller\, Söhne,C=DE`:                 true,
		`UID=7+CN=shop,O=Müller\, Söhne,C=DE`:                 true,
		`cn=SHOP + uid=7 , o=müller\2C söhne , c=de`:          true,
		`CN=shop+UID=7,O=M\C3\BCller\, S\C3\B6hne,C=DE`:       true,
		`2.5.4.3=shop+UID=7,OID.2.5.4.10=Müller\, Söhne,C=DE`: true,
		`CN=#0c0473686f70+UID=7,O=Müller\, Söhne,C=DE`:        true,
		`C=DE,O=Müller\, Söhne,CN=shop+UID=7`:                 false,
		`CN=shop,UID=7,O=Müller\, Söhne,C=DE`:                 false,
		`CN=shop+UID=7,O=Müller,O=Söhne,C=DE`:                 false,
		`CN=shop+UID=7,O=Müller\, Söhne`:                      false,
		`CN=shop+UID=7,O=Müller\, Söhne,C=DE,C=DE`:            false,
		`CN=shopp+UID=7,O=Müller\, Söhne,C=DE`:                false,
		`CN=shop+UID=8,O=Müller\, Söhne,C=DE`:                 false,
		`OU=shop+UID=7,O=Müller\, Söhne,C=DE`:                 false,
		`CN=shop+UID=7,O=Müller, Söhne,C=DE`:                  false,
		`CN=#040473686f70+UID=7,O=Müller\, Söhne,C=DE`:        false,
		`*`: false,
		``:  false,
	} {
		if got := c.HasSubject(dn); got != want {
			t.Errorf("HasSubject(%s) = %t, want %t", dn, got, want)
		}
	}
	// One attribute that contains what looks like two.
	if trick := named(pkix.RDNSequence{{{Type: commonName, Value: "shop,O=Example"}}}); trick.HasSubject("CN=shop,O=Example") || !trick.HasSubject(`CN=shop\,O\=Example`) {
		t.Error("the text of a value was read as another attribute")
	}
}

func TestMalformedNamesAreRejected(t *testing.T) {
	t.Parallel()
	for _, dn := range []string{
		"", "a", "=a", "CN", "CN=", "CN=a,", ",CN=a", "CN=a++O=b", "CN=a;O=b", `CN="a"`, "CN=<a>", `CN=a\`, `CN=a\4`, `CN=a\zz`, "CN=#", "CN=#zz", "CN=#0c05", "CN=#0c016100",
		"1=a", "1.=a", "01.2=a", "1.2.x=a", "CN=a\x00", "CN=\xff", `CN=\ff`, "ÇN=a", "CN=" + strings.Repeat("a", maxDN),
	} {
		if err := CheckDN(dn); err == nil {
			t.Errorf("CheckDN(%.40q) is no error", dn)
		}
	}
}

func TestAlternativeNames(t *testing.T) {
	t.Parallel()
	spiffe, _ := url.Parse("spiffe://example/shop")
	c := &Certificate{certify(t, func(c *x509.Certificate) {
		c.DNSNames, c.URIs, c.EmailAddresses = []string{"a.example", "*.b.example"}, []*url.URL{spiffe}, []string{"Shop@Example.com"}
		c.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1), net.ParseIP("2001:db8::1")}
	}), nil}
	for name, got := range map[string][2]bool{
		"DNS":                     {c.HasDNS("A.example"), true},
		"DNS, another":            {c.HasDNS("b.example"), false},
		"DNS, a wildcard":         {c.HasDNS("x.b.example"), false},
		"DNS, a subject":          {c.HasDNS("client"), false},
		"URI":                     {c.HasURI("spiffe://example/shop"), true},
		"URI, another":            {c.HasURI("spiffe://example/Shop"), false},
		"IP":                      {c.HasIP("192.0.2.1"), true},
		"IP, mapped":              {c.HasIP("::ffff:192.0.2.1"), true},
		"IP, long":                {c.HasIP("2001:0DB8:0:0::1"), true},
		"IP, another":             {c.HasIP("192.0.2.2"), false},
		"IP, none":                {c.HasIP("a.example"), false},
		"email":                   {c.HasEmail("Shop@example.COM"), true},
		"email, of another case":  {c.HasEmail("shop@example.com"), false},
		"email, of another place": {c.HasEmail("Shop@example.org"), false},
		"email, none":             {c.HasEmail(""), false},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %t, want %t", name, got[0], got[1])
		}
	}
}

func TestLargeChainsAreRejected(t *testing.T) {
	t.Parallel()
	small, large := certify(t, nil), certify(t, func(c *x509.Certificate) { c.Subject.Organization = []string{strings.Repeat("a", maxSize)} })
	for name, chain := range map[string][]*x509.Certificate{
		"a large certificate":  {large},
		"a large intermediate": {small, large},
		"a long chain":         {small, small, small, small, small, small, small, small, small},
	} {
		if err := CheckConnection(tls.ConnectionState{PeerCertificates: chain}); err == nil {
			t.Errorf("%s is accepted", name)
		}
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.TLS = &tls.ConnectionState{PeerCertificates: chain}
		if Of(r) != nil {
			t.Errorf("%s counts", name)
		}
	}
	if err := CheckConnection(tls.ConnectionState{PeerCertificates: []*x509.Certificate{small, small}}); err != nil {
		t.Error(err)
	}
}

// percent encodes a text as nginx and Envoy do.
func percent(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

// forms returns a certificate and its issuer as the header of each form.
func forms(leaf, issuer *x509.Certificate) map[Form]http.Header {
	encode := func(c *x509.Certificate) string { return base64.StdEncoding.EncodeToString(c.Raw) }
	block := func(c *x509.Certificate) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return map[Form]http.Header{
		FormClientCert: {headerCert: {":" + encode(leaf) + ":"}, headerChain: {":" + encode(issuer) + ":"}},
		FormNginx:      {headerNginx: {percent(block(leaf))}},
		FormEnvoy:      {headerEnvoy: {`By=spiffe://example/proxy;Hash=00ff;Subject="CN=a,O=\"b\"";URI=;Chain="` + percent(block(leaf)+block(issuer)) + `"`}},
		FormTraefik:    {headerTraefik: {encode(leaf) + "," + encode(issuer)}},
	}
}

func TestForwardedForms(t *testing.T) {
	t.Parallel()
	leaf, issuer := certify(t, nil), certify(t, nil)
	for form, header := range forms(leaf, issuer) {
		got, err := form.Read(header)
		if err != nil || got == nil || !bytes.Equal(got.Raw, leaf.Raw) {
			t.Errorf("%s: %v, %v", form, got, err)
			continue
		}
		if chained := len(got.chain) == 1 && bytes.Equal(got.chain[0].Raw, issuer.Raw); chained == (form == FormNginx) {
			t.Errorf("%s: a chain of %d", form, len(got.chain))
		}
		if got, err := form.Read(http.Header{}); got != nil || err != nil {
			t.Errorf("%s without a header: %v, %v", form, got, err)
		}
	}
	der := base64.StdEncoding.EncodeToString(leaf.Raw)
	both := base64.StdEncoding.EncodeToString(append(bytes.Clone(issuer.Raw), leaf.Raw...))
	for name, tc := range map[string]struct {
		form   Form
		header http.Header
		chain  int // -1 for no certificate
	}{
		"no certificate of Caddy": {FormClientCert, http.Header{headerCert: {"::"}}, -1},
		"no certificate of nginx": {FormNginx, http.Header{headerNginx: {""}}, -1},
		"no chain":                {FormClientCert, http.Header{headerCert: {":" + der + ":"}, headerChain: {"::"}}, 0},
		"a chain of HAProxy":      {FormClientCert, http.Header{headerCert: {":" + der + ":"}, headerChain: {" :" + both + ": "}}, 2},
		"older versions":          {FormTraefik, http.Header{headerTraefik: {url.QueryEscape(der + "," + der)}}, 1},
		"Cert":                    {FormEnvoy, http.Header{headerEnvoy: {"cert=" + percent(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw})))}}, 0},
		"another form":            {FormNginx, http.Header{headerCert: {":" + der + ":"}}, -1},
	} {
		got, err := tc.form.Read(tc.header)
		if err != nil || (got == nil) != (tc.chain < 0) || got != nil && (len(got.chain) != tc.chain || !bytes.Equal(got.Raw, leaf.Raw)) {
			t.Errorf("%s: %v, %v, want a chain of %d", name, got, err, tc.chain)
		}
	}
}

func TestWrongForwardedCertificates(t *testing.T) {
	t.Parallel()
	leaf, large := certify(t, nil), certify(t, func(c *x509.Certificate) { c.Subject.Organization = []string{strings.Repeat("a", maxSize)} })
	der := base64.StdEncoding.EncodeToString(leaf.Raw)
	escaped := percent(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw})))
	for form, header := range forms(leaf, leaf) {
		name := form.Headers()[0]
		value := header.Get(name)
		for what, wrong := range map[string]http.Header{
			"repeated":  {name: {value, value}},
			"empty too": {name: {value, ""}},
			"truncated": {name: {value[:len(value)-60]}},
			"no base64": {name: {strings.ReplaceAll(value, "A", "*")}},
			"text":      {name: {"a certificate"}},
			"a NUL":     {name: {"\x00"}},
			"too large": {name: {strings.Repeat("A", maxHeader+1)}},
		} {
			if got, err := form.Read(wrong); err == nil {
				t.Errorf("%s, %s: %v", form, what, got)
			}
		}
		if got, err := form.Read(forms(large, leaf)[form]); err == nil {
			t.Errorf("%s, a large certificate: %v", form, got)
		}
	}
	for name, tc := range map[string]struct {
		form   Form
		header http.Header
	}{
		"two values":              {FormClientCert, http.Header{headerCert: {":" + der + ":, :" + der + ":"}}},
		"no colons":               {FormClientCert, http.Header{headerCert: {der}}},
		"two chains":              {FormClientCert, http.Header{headerCert: {":" + der + ":"}, headerChain: {":" + der + ":", ":" + der + ":"}}},
		"an empty item":           {FormClientCert, http.Header{headerCert: {":" + der + ":"}, headerChain: {":" + der + ":,"}}},
		"a long chain":            {FormClientCert, http.Header{headerCert: {":" + der + ":"}, headerChain: {strings.Repeat(":"+der+":,", 8) + ":" + der + ":"}}},
		"a private key":           {FormNginx, http.Header{headerNginx: {strings.ReplaceAll(escaped, "CERTIFICATE", "PRIVATE%20KEY")}}},
		"text before":             {FormNginx, http.Header{headerNginx: {"text%0A" + escaped}}},
		"text after":              {FormNginx, http.Header{headerNginx: {escaped + "text"}}},
		"half an escape":          {FormNginx, http.Header{headerNginx: {escaped + "%2"}}},
		"two proxies":             {FormEnvoy, http.Header{headerEnvoy: {"Cert=" + escaped + ",Cert=" + escaped}}},
		"two proxies, quoted":     {FormEnvoy, http.Header{headerEnvoy: {`Cert="` + escaped + `",Cert="` + escaped + `"`}}},
		"two certificates":        {FormEnvoy, http.Header{headerEnvoy: {`Cert="` + escaped + `";cert="` + escaped + `"`}}},
		"a hash and a subject":    {FormEnvoy, http.Header{headerEnvoy: {`Hash=00ff;Subject="CN=a"`}}},
		"a quote that stays open": {FormEnvoy, http.Header{headerEnvoy: {`Cert="` + escaped}}},
		"an empty certificate":    {FormTraefik, http.Header{headerTraefik: {der + ","}}},
	} {
		if got, err := tc.form.Read(tc.header); err == nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// No header makes a certificate out of anything else than one, and none makes the parser panic.
func FuzzForwarded(f *testing.F) {
	leaf := certify(f, nil)
	for form, header := range forms(leaf, leaf) {
		f.Add(string(form), header.Get(form.Headers()[0]), header.Get(headerChain))
	}
	f.Add("envoy", `a="\`, "")
	f.Add("client-cert", "::", ":AA==:,")
	f.Fuzz(func(t *testing.T, form, value, chain string) {
		got, err := Form(form).Read(http.Header{headerCert: {value}, headerChain: {chain}, headerNginx: {value}, headerEnvoy: {value}, headerTraefik: {value}})
		if err != nil && got != nil || got != nil && (len(got.chain) >= maxCertificates || got.Thumbprint() == "") {
			t.Errorf("%v with %v", got, err)
		}
	})
}

// A distinguished name that can be registered matches itself alone.
func FuzzDN(f *testing.F) {
	for _, dn := range []string{"CN=a", `CN=a\, b+UID=7,O=\C3\9C,C=DE`, "2.5.4.3=#0c0161", `CN=\`, "CN=a,"} {
		f.Add(dn)
	}
	c := &Certificate{certify(f, nil), nil}
	f.Fuzz(func(t *testing.T, dn string) {
		if c.HasSubject(dn) && (CheckDN(dn) != nil || !strings.Contains(strings.ToLower(dn), "client") && !strings.ContainsAny(dn, `\#`)) {
			t.Errorf("%q is the subject CN=client", dn)
		}
	})
}
