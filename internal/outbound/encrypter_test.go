package outbound

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/client"
)

// pair is a private key and the client that published the public key.
func pair(t *testing.T, private, public any) (jose.JSONWebKey, *client.Client) {
	t.Helper()
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: public, KeyID: "signs", Use: "sig"}, {Key: public, KeyID: "encrypts", Use: "enc"},
	}}
	raw, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return jose.JSONWebKey{Key: private, KeyID: "encrypts"}, &client.Client{Metadata: client.Metadata{JWKS: raw}}
}

func TestOnlyTheClientDecryptsItsTokens(t *testing.T) {
	t.Parallel()

	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	encrypter := Encrypter{NewKeySets(nil, time.Now)}
	for _, alg := range client.EncryptionAlgs() {
		for i, enc := range client.EncryptionEncs() {
			t.Run(alg+" "+enc, func(t *testing.T) {
				t.Parallel()

				var key jose.JSONWebKey
				var c *client.Client
				if alg[0] == 'R' {
					key, c = pair(t, rsaKey, rsaKey.Public())
				} else {
					curve := []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()}[i%3]
					ecKey, err := ecdsa.GenerateKey(curve, rand.Reader)
					if err != nil {
						t.Fatal(err)
					}
					key, c = pair(t, ecKey, ecKey.Public())
				}
				nested, err := encrypter.Encrypt(t.Context(), c, alg, enc, "a.b.c")
				if err != nil {
					t.Fatal(err)
				}
				plain, err := encrypter.EncryptClaims(t.Context(), c, alg, enc, []byte(`{}`))
				if err != nil {
					t.Fatal(err)
				}
				for text, want := range map[string]struct{ content, cty string }{nested: {"a.b.c", "JWT"}, plain: {"{}", ""}} {
					object, err := jose.ParseEncryptedCompact(text, []jose.KeyAlgorithm{jose.KeyAlgorithm(alg)}, []jose.ContentEncryption{jose.ContentEncryption(enc)})
					if err != nil {
						t.Fatal(err)
					}
					content, err := object.Decrypt(key.Key)
					cty, _ := object.Header.ExtraHeaders[jose.HeaderContentType].(string)
					if err != nil || string(content) != want.content || object.Header.KeyID != "encrypts" || cty != want.cty {
						t.Errorf("%s: content %q (%v), header %+v; want %+v and the kid", text, content, err, object.Header, want)
					}
				}
			})
		}
	}
}

func TestEncryptionRequiresASuitableKey(t *testing.T) {
	t.Parallel()

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, c := pair(t, key, key.Public())
	encrypter := Encrypter{NewKeySets(nil, time.Now)}
	for name, c := range map[string]*client.Client{"of another kind": c, "none": {}} {
		if text, err := encrypter.Encrypt(t.Context(), c, "RSA-OAEP", "A128GCM", "a.b.c"); text != "" || !errors.Is(err, client.ErrKeysUnavailable) {
			t.Errorf("%s: %q, %v; want %v", name, text, err, client.ErrKeysUnavailable)
		}
	}
}
