package middleware

import (
	"bytes"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"
)

// encoding describes which bytes have the same meaning in a charset as in UTF-8.
type encoding int

const (
	unknownCharset encoding = iota
	utf8Charset             // all bytes
	asciiCharset            // only ASCII: other bytes have another meaning or none
)

// charsets returns the accepted charset labels in lower case. HTTP libraries add one to
// every form, and some use ASCII or ISO-8859-1 for pure ASCII, which a percent-encoded
// form always is.
//
// Spec: WHATWG Encoding §4.2, IANA Character Sets, RFC 9110 §8.3.2.
func charsets() map[string]encoding {
	return map[string]encoding{
		"utf-8": utf8Charset, "utf8": utf8Charset, "unicode-1-1-utf-8": utf8Charset, "csutf8": utf8Charset,

		"us-ascii": asciiCharset, "ascii": asciiCharset, "us": asciiCharset, "ansi_x3.4-1968": asciiCharset,
		"ansi_x3.4-1986": asciiCharset, "iso646-us": asciiCharset, "iso_646.irv:1991": asciiCharset,
		"iso-ir-6": asciiCharset, "ibm367": asciiCharset, "cp367": asciiCharset, "csascii": asciiCharset,

		"iso-8859-1": asciiCharset, "iso8859-1": asciiCharset, "iso88591": asciiCharset, "iso_8859-1": asciiCharset,
		"iso_8859-1:1987": asciiCharset, "iso-ir-100": asciiCharset, "ibm819": asciiCharset, "cp819": asciiCharset,
		"csisolatin1": asciiCharset, "latin1": asciiCharset, "l1": asciiCharset,
	}
}

// checkCharset rejects a body with bytes beyond ASCII if its charset is not UTF-8.
// Percent-encoded values are UTF-8 regardless of the charset, as in browsers.
//
// Spec: WHATWG URL §5.1.
func checkCharset(r *http.Request, body []byte) error {
	_, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // checkType has rejected malformed types
	if charsets()[strings.ToLower(params["charset"])] != asciiCharset {
		return nil
	}
	if bytes.ContainsFunc(body, func(c rune) bool { return c >= utf8.RuneSelf }) {
		return refused(http.StatusUnsupportedMediaType, "The request body has bytes beyond ASCII, which require the charset utf-8.")
	}
	return nil
}
