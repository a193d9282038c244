package clientauth

import (
	"encoding/base64"
	"net/url"
	"strings"
	"unicode/utf8"
)

// maxBasic is the maximum size to decode: a client_id and a secret of maximum length with
// every byte percent-encoded.
const maxBasic = 8 << 10

// decodeBasic decodes the credentials of the scheme Basic. Both halves are form encoded, so
// the colon is found before they are decoded.
//
// Spec: RFC 6749 §2.3.1, RFC 7617 §2.
func decodeBasic(encoded string) (id, secret string, ok bool) {
	// The decoder skips line breaks even in strict mode.
	if len(encoded) > maxBasic || strings.ContainsAny(encoded, "\r\n") {
		return "", "", false
	}
	decoded, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return "", "", false
	}
	first, second, ok := strings.Cut(string(decoded), ":")
	if !ok {
		return "", "", false
	}
	id, ok = formDecode(first)
	if !ok {
		return "", "", false
	}
	secret, ok = formDecode(second)
	return id, secret, ok
}

func formDecode(s string) (string, bool) {
	decoded, err := url.QueryUnescape(s)
	return decoded, err == nil && utf8.ValidString(decoded) && !strings.Contains(decoded, "\x00")
}
