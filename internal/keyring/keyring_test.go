package keyring

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
)

const (
	secretA = "the first system secret, of enough bytes"
	secretB = "another system secret, long enough too.."
)

func keyringOf(tb testing.TB, texts ...string) *Keyring {
	tb.Helper()
	s, err := New(texts...)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestNewListsEveryInvalidSecret(t *testing.T) {
	t.Parallel()
	_, err := New("short", secretA, "too short", secretA)
	if err == nil {
		t.Fatal("New accepted short and repeated secrets")
	}
	for _, want := range []string{"secret 1 has 5 bytes", "secret 3 has 9 bytes", "secret 4 repeats secret 2"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error %q does not say %q", err, want)
		}
	}
	if strings.Contains(err.Error(), secretA) {
		t.Errorf("the error %q shows a secret", err)
	}
	if _, err := New(); err == nil {
		t.Error("New accepted no secret at all")
	}
}

func TestNewRejectsEqualTags(t *testing.T) {
	t.Parallel()
	tags := map[byte]string{}
	for i := range 257 {
		text := fmt.Sprintf("%s %d", secretA, i)
		tag := keyringOf(t, text).DeriveAll("x")[0].Tag
		if twin, ok := tags[tag]; ok {
			if _, err := New(twin, text); err == nil {
				t.Errorf("two secrets of tag %d were accepted", tag)
			}
			return
		}
		tags[tag] = text
	}
	t.Fatal("257 secrets have 257 different tags of one byte")
}

// The value was computed with OpenSSL's HKDF. A derivation with another result could not open
// existing sealed data.
func TestDeriveNeverChanges(t *testing.T) {
	t.Parallel()
	const want = "02e2d27906bc0660dc3cca738379055333f373e28744aa7c662c6172d6c31be8"
	if got := hex.EncodeToString(keyringOf(t, secretA).Derive("ostiary/test")); got != want {
		t.Errorf("Derive = %s, want %s", got, want)
	}
}

func TestDerive(t *testing.T) {
	t.Parallel()
	both, alone := keyringOf(t, secretA, secretB), keyringOf(t, secretA)
	all := both.DeriveAll("label")
	if len(all) != 2 || all[0].Tag == all[1].Tag || bytes.Equal(all[0].Key, all[1].Key) {
		t.Errorf("DeriveAll = %v, want two different keys", all)
	}
	if got := both.Derive("label"); !bytes.Equal(got, all[0].Key) || !bytes.Equal(got, alone.Derive("label")) {
		t.Errorf("Derive = %x, want the first secret's %x", got, all[0].Key)
	}
	if bytes.Equal(both.Derive("label"), both.Derive("other")) {
		t.Error("two labels have one key")
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	sealed, err := keyringOf(t, secretA).Seal("purpose", []byte("the text"))
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Clone(sealed)
	changed[len(changed)-1] ^= 1
	for name, tc := range map[string]struct {
		secrets *Keyring
		purpose string
		sealed  []byte
		opens   bool
	}{
		"by the secret that sealed":             {keyringOf(t, secretA), "purpose", sealed, true},
		"by a later secret of the list":         {keyringOf(t, secretB, secretA), "purpose", sealed, true},
		"by another secret":                     {keyringOf(t, secretB), "purpose", sealed, false},
		"for another purpose":                   {keyringOf(t, secretA), "other", sealed, false},
		"after a change of one bit":             {keyringOf(t, secretA), "purpose", changed, false},
		"when cut short":                        {keyringOf(t, secretA), "purpose", sealed[:20], false},
		"when only the tag is left":             {keyringOf(t, secretA), "purpose", sealed[:1], false},
		"when nothing is left":                  {keyringOf(t, secretA), "purpose", nil, false},
		"when the tag names a secret not there": {keyringOf(t, secretA), "purpose", append([]byte{sealed[0] ^ 1}, sealed[1:]...), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tc.secrets.Open(tc.purpose, tc.sealed)
			if tc.opens && (err != nil || string(got) != "the text") {
				t.Errorf("Open = %q, %v, want the text", got, err)
			}
			if !tc.opens && !errors.Is(err, ErrNoMatchingSecret) {
				t.Errorf("Open = %q, %v, want ErrNoMatchingSecret", got, err)
			}
		})
	}
}

func TestKeyringPrintsNoSecret(t *testing.T) {
	t.Parallel()
	s := keyringOf(t, secretA)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
		if got := fmt.Sprintf(verb, s); got != "[system secrets]" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
}
