package clientauth

import (
	"encoding/base64"
	"net/url"
	"strings"
	"unicode/utf8"
)

// maxBasic bounds what is decoded: a client_id and a secret of the greatest
// length, with each byte percent-encoded, fit in.
const maxBasic = 8 << 10

// decodeBasic reads the credentials of the scheme Basic. The two halves are form
// encoded, and so the colon is looked for before they are decoded.
//
// Spec: RFC 6749 §2.3.1, RFC 7617 §2.
func decodeBasic(encoded string) (id, secret string, ok bool) {
	// The decoder skips line breaks even when it is strict.
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
