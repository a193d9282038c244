package clientauth

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/client"
)

func TestBasicHeader(t *testing.T) {
	t.Parallel()

	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	type answer struct {
		id, secret string
		ok         bool
	}
	refused := answer{}
	for name, tc := range map[string]struct {
		encoded string
		want    answer
	}{
		"plain":                              {b64("id:secret"), answer{"id", "secret", true}},
		"no secret":                          {b64("id:"), answer{"id", "", true}},
		"the secret holds a colon":           {b64("id:se:cret"), answer{"id", "se:cret", true}},
		"a colon that is encoded stays":      {b64("i%3Ad:se%3acret"), answer{"i:d", "se:cret", true}},
		"plus is a space":                    {b64("a+b:c%20d%2B"), answer{"a b", "c d+", true}},
		"UTF-8":                              {b64("%C3%BC:\u00fc"), answer{"ü", "ü", true}},
		"decoded once":                       {b64("a%2525:b"), answer{"a%25", "b", true}},
		"empty":                              {"", refused},
		"no colon":                           {b64("id"), refused},
		"only an encoded colon":              {b64("id%3Asecret"), refused},
		"half an escape":                     {b64("id:se%2"), refused},
		"an escape without digits":           {b64("i%zzd:secret"), refused},
		"a lone percent sign":                {b64("id:100%"), refused},
		"an encoded NUL":                     {b64("id%00:secret"), refused},
		"a plain NUL":                        {b64("id:sec\x00ret"), refused},
		"encoded bytes that are no UTF-8":    {b64("id:%ff%fe"), refused},
		"plain bytes that are no UTF-8":      {b64("\xc3(:secret"), refused},
		"an overlong encoding of a slash":    {b64("id:%c0%af"), refused},
		"no base64":                          {"id:secret", refused},
		"the URL alphabet":                   {"w7_Dvzr_", refused},
		"without padding":                    {strings.TrimRight(b64("id:secre"), "="), refused},
		"bits beyond the end":                {"aWQ6c2VjcmV=", refused},
		"a line break inside":                {b64("id:")[:2] + "\n" + b64("id:")[2:], refused},
		"a space inside":                     {b64("id:secret")[:4] + " " + b64("id:secret")[4:], refused},
		"something after":                    {b64("id:secret") + ", realm=x", refused},
		"more than anybody needs":            {b64("id:" + strings.Repeat("x", maxBasic)), refused},
		"padding in the middle":              {b64("id:s") + b64("ecret"), refused},
		"the base64 of the base64, unpadded": {"YVdRNg", refused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			var got answer
			if got.id, got.secret, got.ok = decodeBasic(tc.encoded); !got.ok {
				got = refused
			}
			if got != tc.want {
				t.Errorf("decodeBasic(%q) = %+v, want %+v", tc.encoded, got, tc.want)
			}
		})
	}
}

func TestBasicHeaderAcceptsLongestCredentials(t *testing.T) {
	t.Parallel()

	percent := func(n int) string { return strings.Repeat("%25", n) }
	encoded := base64.StdEncoding.EncodeToString([]byte(percent(maxID) + ":" + percent(client.MaxSecret)))
	id, secret, ok := decodeBasic(encoded)
	if !ok || len(id) != maxID || len(secret) != client.MaxSecret {
		t.Errorf("decodeBasic of %d bytes = %d and %d bytes, %t", len(encoded), len(id), len(secret), ok)
	}
}

func FuzzBasicHeader(f *testing.F) {
	for _, seed := range []string{"id:secret", "i%3Ad:a+b", "id:%ff", "id:%00", "id:100%", "::", "", "ü:ü"} {
		f.Add(base64.StdEncoding.EncodeToString([]byte(seed)))
	}
	f.Add("aWQ6c2VjcmV=")
	f.Add("aWQ6\nc2Vj")
	f.Fuzz(func(t *testing.T, encoded string) {
		id, secret, ok := decodeBasic(encoded)
		if !ok {
			return
		}
		again := base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id) + ":" + url.QueryEscape(secret)))
		if len(again) > maxBasic {
			return // the encoded form may be longer than the input
		}
		id2, secret2, ok := decodeBasic(again)
		if !ok || id2 != id || secret2 != secret {
			t.Errorf("%q gave (%q, %q), which encoded again gives (%q, %q, %t)", encoded, id, secret, id2, secret2, ok)
		}
	})
}
