package totp

import (
	"crypto/rand"
	"encoding/base32"
	"net/url"
	"strings"
	"testing"
	"time"
)

// The last six digits of the codes of RFC 6238 appendix B, for SHA-1.
func TestCodesOfRFC6238(t *testing.T) {
	t.Parallel()

	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		if got := Code(secret, Step(time.Unix(at, 0))); got != want {
			t.Errorf("code at %d = %s, want %s", at, got, want)
		}
	}
}

func TestMatchAcceptsTheStepsAroundNow(t *testing.T) {
	t.Parallel()

	secret := newSecret()
	now := time.Unix(1_800_000_000, 0)
	for offset, accepted := range map[int64]bool{-2: false, -1: true, 0: true, 1: true, 2: false} {
		want := Step(now) + offset
		code := Code(secret, want)
		for _, entered := range []string{code, code[:3] + " " + code[3:], " " + code + "\u00a0"} {
			step, ok := Match(secret, entered, now)
			if ok != accepted || ok && step != want {
				t.Errorf("Match of the code %q of step %+d = %d, %t, want %d, %t", entered, offset, step, ok, want, accepted)
			}
		}
	}
	for _, wrong := range []string{"", "12345", "1234567", "abcdef", Code(newSecret(), Step(now)) + "0"} {
		if _, ok := Match(secret, wrong, now); ok {
			t.Errorf("Match accepts %q", wrong)
		}
	}
}

func TestSecretsAreEnteredAndScanned(t *testing.T) {
	t.Parallel()

	secret := newSecret()
	if len(secret) != 20 {
		t.Fatalf("a secret has %d bytes, want 20", len(secret))
	}
	text := strings.ReplaceAll(GroupedText(secret), " ", "")
	back, err := base32.StdEncoding.DecodeString(text)
	if err != nil || string(back) != string(secret) {
		t.Errorf("the text %q decodes to %x, %v, want %x", text, back, err, secret)
	}
	if groups := strings.Fields(GroupedText(secret)); len(groups) != 8 {
		t.Errorf("the text has the groups %q, want 8", groups)
	}

	u, err := url.Parse(URI(secret, "Ääkköset & Co: sign+in", "a=b:c d@example.org"))
	if err != nil {
		t.Fatal(err)
	}
	if u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Ääkköset & Co sign+in:a=b c d@example.org" {
		t.Errorf("URI = %s with the path %q", u, u.Path)
	}
	if strings.Contains(u.RawQuery, "+") {
		t.Errorf("the query of %s has a plus sign, which some apps show", u)
	}
	for name, want := range map[string]string{
		"secret": text, "issuer": "Ääkköset & Co sign+in", "algorithm": "SHA1", "digits": "6", "period": "30",
	} {
		if got := u.Query().Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

func newSecret() []byte {
	secret := make([]byte, SecretSize)
	_, _ = rand.Read(secret)
	return secret
}
