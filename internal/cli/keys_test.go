package cli_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

func pemText(t *testing.T, kind string, der []byte, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func pkcs8(t *testing.T, key crypto.Signer) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return pemText(t, "PRIVATE KEY", der, err)
}

func ecKey(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestRotateAndListKeys(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	count := func(all []cli.KeyView, alg, state string) (n int) {
		for _, k := range all {
			if k.Algorithm == alg && k.State == state {
				n++
			}
		}
		return n
	}
	var all []cli.KeyView
	sh.JSON(&all, "keys", "rotate", "--algorithm=ES256")
	if len(all) == 0 || count(all, "ES256", "current") != 1 || count(all, "ES256", "next") == 0 {
		t.Errorf("keys rotate on a new database made %+v, want a current ES256 key and a next one", all)
	}
	for _, k := range all {
		if k.Algorithm != "ES256" {
			t.Errorf("keys rotate --algorithm=ES256 answered for %s", k.Algorithm)
		}
	}
	sh.JSON(&all, "keys", "list")
	for _, alg := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		if count(all, alg, "current") != 1 {
			t.Errorf("%s has %d current keys, want 1", alg, count(all, alg, "current"))
		}
	}
	table := sh.Must("keys", "list")
	servertest.Contains(t, table, "ALGORITHM", all[0].KID, "current", "next")
	servertest.Contains(t, sh.Must("keys", "reseal"), "0 keys and 0 client secrets encrypted")
	sh.Settings = append(sh.Settings, "--set=system_secrets=another system secret that is long enough,"+servertest.SystemSecret)
	servertest.Lacks(t, sh.Must("keys", "reseal"), " 0 keys", "1 client secret")
	servertest.Contains(t, sh.Must("keys", "reseal"), "0 keys and 0 client secrets encrypted")
	sh.Settings = append(sh.Settings, "--set=system_secrets=another system secret that is long enough")
	if got := sh.Must("keys", "list"); got != table {
		t.Errorf("under the new secret alone the keys are\n%s, want\n%s", got, table)
	}
	sh.Settings = append(sh.Settings, "--set=system_secrets=a secret that opens nothing at all here")
	servertest.Contains(t, sh.MustFail("keys", "list"), "no system secret opens it")
}

func TestImportPrivateKeys(t *testing.T) {
	t.Parallel()

	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(ecKey(t, elliptic.P256()))
	for name, tc := range map[string]struct {
		text string
		args []string
		want string
	}{
		"RSA signs RS256":             {pkcs8(t, rsaKey), nil, "RS256"},
		"RSA signs PS256 if asked to": {pemText(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey), nil), []string{"--algorithm=PS256"}, "PS256"},
		"P-256 signs ES256":           {"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + pemText(t, "EC PRIVATE KEY", sec1, err), nil, "ES256"},
		"Ed25519 signs EdDSA":         {pkcs8(t, edKey), nil, "EdDSA"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			sh := clitest.NewShell(t)
			sh.Input = tc.text
			servertest.Contains(t, sh.Must(append([]string{"keys", "import", "-"}, tc.args...)...), "next key for "+tc.want)
			servertest.Contains(t, sh.MustFail(append([]string{"keys", "import", "-"}, tc.args...)...), "is the next key of "+tc.want)
		})
	}
}

func TestUnusableKeysAreRejected(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	p256 := pkcs8(t, ecKey(t, elliptic.P256()))
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(ecKey(t, elliptic.P256()).Public())
	for name, tc := range map[string]struct {
		text string
		args []string
		want string
	}{
		"no PEM":              {"hello", nil, "no private key"},
		"a public key":        {pemText(t, "PUBLIC KEY", public, err), nil, "no private key"},
		"two keys":            {p256 + p256, nil, "more than one"},
		"an encrypted key":    {strings.ReplaceAll(p256, " PRIVATE KEY", " ENCRYPTED PRIVATE KEY"), nil, "encrypted"},
		"rubbish in a frame":  {pemText(t, "PRIVATE KEY", []byte("rubbish"), nil), nil, "invalid private key"},
		"a curve too large":   {pkcs8(t, ecKey(t, elliptic.P384())), nil, "import key"},
		"an RSA key too weak": {pkcs8(t, small), nil, "1024 bits"},
		"another algorithm":   {p256, []string{"--algorithm=RS256"}, "import key"},
	} {
		t.Run(name, func(t *testing.T) {
			sh := *sh
			sh.T, sh.Input = t, tc.text
			servertest.Contains(t, sh.MustFail(append([]string{"keys", "import", "-"}, tc.args...)...), tc.want)
		})
	}
}
