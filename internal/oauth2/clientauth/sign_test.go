package clientauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// edits are members to set in a JSON object, or to leave out where they are nil.
type edits map[string]any

func with(name string, value any) edits { return edits{name: value} }

func (e edits) of(base map[string]any) string {
	maps.Copy(base, e)
	maps.DeleteFunc(base, func(_ string, v any) bool { return v == nil })
	text, err := json.Marshal(base)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// goodHeader and goodClaims are those of an assertion that passes, edited.
func goodHeader(e edits) string { return e.of(map[string]any{"alg": "ES256", "kid": "k0"}) }

func goodClaims(e edits) string {
	return e.of(map[string]any{
		"iss": "signer", "sub": "signer", "aud": issuer, "jti": "1",
		"iat": clock().Unix(), "exp": clock().Add(time.Minute).Unix(),
	})
}

// assertion is one of the client "signer" under its first EC key.
func assertion(tb testing.TB, header, claims edits) string {
	tb.Helper()
	return sign(tb, ecKeys[0](), "ES256", goodHeader(header), goodClaims(claims))
}

func encode(part string) string { return base64.RawURLEncoding.EncodeToString([]byte(part)) }

// sign makes a compact JWS of any header and payload.
func sign(tb testing.TB, key any, alg, header, payload string) string {
	tb.Helper()
	signed := encode(header) + "." + encode(payload)
	return signed + "." + encode(string(signature(tb, key, alg, signed)))
}

func signature(tb testing.TB, key any, alg, signed string) []byte {
	tb.Helper()
	sum := sha256.Sum256([]byte(signed))
	var made []byte
	var err error
	switch key := key.(type) {
	case *ecdsa.PrivateKey:
		r, s, failed := ecdsa.Sign(rand.Reader, key, sum[:])
		if err = failed; err == nil {
			size := (key.Params().BitSize + 7) / 8
			made = append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
		}
	case *rsa.PrivateKey:
		var opts crypto.SignerOpts = crypto.SHA256
		if alg == "PS256" {
			opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
		}
		made, err = key.Sign(rand.Reader, sum[:], opts)
	case ed25519.PrivateKey:
		made = ed25519.Sign(key, []byte(signed))
	case []byte:
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(signed))
		made = mac.Sum(nil)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return made
}

// swapSignature replaces the signature of a compact JWS.
func swapSignature(compact string, signature []byte) string {
	return compact[:strings.LastIndexByte(compact, '.')+1] + encode(string(signature))
}

func ecJWK(n int) jose.JSONWebKey {
	return jose.JSONWebKey{Key: ecKeys[n]().Public(), KeyID: "k0"}
}

func rsaJWK(n int) jose.JSONWebKey {
	return jose.JSONWebKey{Key: rsaKeys[n]().Public(), KeyID: "k0"}
}

func edJWK(n int) jose.JSONWebKey {
	return jose.JSONWebKey{Key: edKeys[n]().Public(), KeyID: "k0"}
}
