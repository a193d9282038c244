package clientcert

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// Form is the form in which a proxy forwards the certificate of a client.
type Form string

// The forms: the headers of RFC 9440, which HAProxy and Caddy can write; the variable
// $ssl_client_escaped_cert of nginx; X-Forwarded-Client-Cert of Envoy; and
// X-Forwarded-Tls-Client-Cert of Traefik.
const (
	FormClientCert Form = "client-cert"
	FormNginx      Form = "nginx"
	FormEnvoy      Form = "envoy"
	FormTraefik    Form = "traefik"
)

const (
	headerCert    = "Client-Cert"
	headerChain   = "Client-Cert-Chain"
	headerNginx   = "Ssl-Client-Cert"
	headerEnvoy   = "X-Forwarded-Client-Cert"
	headerTraefik = "X-Forwarded-Tls-Client-Cert"
)

// Headers returns the names of the headers of a form, that of the certificate first.
func (f Form) Headers() []string {
	switch f {
	case FormClientCert:
		return []string{headerCert, headerChain}
	case FormNginx:
		return []string{headerNginx}
	case FormEnvoy:
		return []string{headerEnvoy}
	case FormTraefik:
		return []string{headerTraefik}
	default:
		return nil
	}
}

var (
	errRepeated  = errors.New("a header with a client certificate is repeated")
	errMalformed = errors.New("the header with the client certificate is malformed")
	errLarge     = errors.New("the header with the client certificate is too large")
)

// maxHeader is the maximum size of a header in bytes. The server accepts 32 KiB of headers in total.
const maxHeader = 32 << 10

// Read returns the certificate that a proxy forwards in header, nil if the client has none. Its errors
// can be shown to clients.
//
// Spec: RFC 9440 §2.
func (f Form) Read(header http.Header) (*Certificate, error) {
	var values [2]string
	for i, name := range f.Headers() {
		lines := header.Values(name)
		switch {
		case len(lines) > 1:
			return nil, errRepeated
		case len(lines) == 1 && len(lines[0]) > maxHeader:
			return nil, errLarge
		case len(lines) == 1:
			values[i] = strings.TrimSpace(lines[0])
		}
	}
	if values[0] == "" {
		return nil, nil
	}
	der, err := f.decode(values[0], values[1])
	if err != nil {
		return nil, err
	}
	chain, err := x509.ParseCertificates(der)
	if err != nil {
		return nil, errMalformed
	}
	c, err := newCertificate(chain)
	if err != nil {
		return nil, errLarge
	}
	return c, nil
}

// decode returns the DER of the certificate, followed by that of its chain.
func (f Form) decode(value, chain string) ([]byte, error) {
	switch f {
	case FormClientCert:
		return structured(value, chain)
	case FormNginx:
		return escapedPEM(value)
	case FormEnvoy:
		return envoy(value)
	case FormTraefik:
		return traefik(value)
	default:
		return nil, errMalformed
	}
}

// structured decodes a byte sequence and a list of them. Caddy writes an empty one for a client
// without a certificate, and HAProxy a whole chain in one.
//
// Spec: RFC 9440 §2.1, §2.2, RFC 8941 §3.3.5.
func structured(value, chain string) ([]byte, error) {
	if value == "::" {
		return nil, nil
	}
	items := []string{value}
	if chain != "" && chain != "::" {
		items = append(items, strings.Split(chain, ",")...)
	}
	var all []byte
	for _, item := range items {
		item = strings.TrimSpace(item)
		encoded, opened := strings.CutPrefix(item, ":")
		encoded, closed := strings.CutSuffix(encoded, ":")
		der, err := base64.StdEncoding.DecodeString(encoded)
		if !opened || !closed || err != nil || len(der) == 0 || strings.ContainsAny(encoded, "\r\n") {
			return nil, errMalformed
		}
		all = append(all, der...)
	}
	return all, nil
}

// escapedPEM decodes certificates in PEM with percent-encoding.
func escapedPEM(value string) ([]byte, error) {
	text, err := url.PathUnescape(value) // a + is part of the base64
	if err != nil {
		return nil, errMalformed
	}
	var all []byte
	for rest := []byte(text); len(strings.TrimSpace(string(rest))) > 0; {
		var block *pem.Block
		before := rest
		if block, rest = pem.Decode(rest); block == nil || block.Type != "CERTIFICATE" || !strings.HasPrefix(strings.TrimSpace(string(before)), "-----BEGIN") {
			return nil, errMalformed
		}
		all = append(all, block.Bytes...)
	}
	return all, nil
}

// envoy decodes the element of the one proxy in front of this server. An element of another proxy
// would be about that proxy's client, or made up by it. Chain begins with the certificate.
func envoy(value string) ([]byte, error) {
	pairs, err := envoyPairs(value)
	if err != nil {
		return nil, err
	}
	if chain := pairs["chain"]; chain != "" {
		return escapedPEM(chain)
	}
	if pairs["cert"] == "" {
		return nil, errMalformed // a hash or subject alone proves nothing that can be compared
	}
	return escapedPEM(pairs["cert"])
}

// envoyPairs reads the pairs of key and value of one element, with the keys in lower case. A value may
// be quoted.
func envoyPairs(value string) (map[string]string, error) {
	pairs := map[string]string{}
	for rest := value; rest != ""; {
		key, after, ok := strings.Cut(rest, "=")
		key = strings.ToLower(strings.TrimSpace(key))
		if !ok || key == "" || strings.ContainsAny(key, `,;"`) {
			return nil, errMalformed
		}
		text, next, ok := envoyValue(after)
		_, repeated := pairs[key]
		if !ok || repeated && key != "uri" && key != "dns" {
			return nil, errMalformed
		}
		pairs[key], rest = text, next
	}
	return pairs, nil
}

// envoyValue reads a value up to a semicolon or the end. A comma would begin another element.
func envoyValue(text string) (value, rest string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		value, rest, _ = strings.Cut(text, ";")
		return value, rest, !strings.ContainsAny(value, `,"`)
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			if i++; i < len(text) {
				b.WriteByte(text[i])
			}
		case '"':
			rest := text[i+1:]
			after, more := strings.CutPrefix(rest, ";")
			return b.String(), after, more || rest == ""
		default:
			b.WriteByte(text[i])
		}
	}
	return "", "", false
}

// traefik decodes certificates in base64 with commas between them, without the lines of PEM. Older
// versions encode them for a URL.
func traefik(value string) ([]byte, error) {
	text, err := url.PathUnescape(value)
	if err != nil {
		return nil, errMalformed
	}
	var all []byte
	for encoded := range strings.SplitSeq(text, ",") {
		der, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
		if err != nil || len(der) == 0 {
			return nil, errMalformed
		}
		all = append(all, der...)
	}
	return all, nil
}
