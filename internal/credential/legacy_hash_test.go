package credential_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/credential"
)

// legacyHashes are hashes of other implementations, with their secrets.
var legacyHashes = map[string]string{
	"$pbkdf2-sha256$i=25000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$AGeLLh8T1ImwO6AL4sOvHaOwDhkd5aK/asK6Q2Oygu4": "a secret of somebody",
	"$pbkdf2-sha512$i=2000,l=64$MDEyMzQ1Njc4OWFiY2RlZg$" +
		"dPvxbElAnXNlsMWX7q/pv0k2kj9sECavBasSQT0eIKEZXyEHugmSmxr58S/J28uJqQmY166yfmBHl0cAKpTgKA": "a secret of somebody",
	"$2a$04$zRX.vX0lCj1C1qFEtn.sD.bWB0dV462bJHBAfK/lATvIHHpFAESo.": "a secret of somebody",
	"$2a$04$YVdgv1XMTBM.CAwce2exSudbhC88XeuWIswgcCDf4e5tS1xYQiRq.": strings.Repeat("1234567890", 7) + "12",
}

func TestLegacyHashesMatchOnlyTheirSecret(t *testing.T) {
	t.Parallel()
	h := hasher(4, time.Minute)
	for hash, secret := range legacyHashes {
		if err := credential.CheckLegacyHash(hash); err != nil {
			t.Errorf("CheckLegacyHash(%s) = %v", hash, err)
		}
		if credential.CheckHash(hash) == nil {
			t.Errorf("CheckHash(%s) = nil: people bring hashes of ours alone", hash)
		}
		for given, want := range map[string]bool{
			secret: true, secret + "x": false, secret[1:]: false, "": false, strings.ToUpper(secret) + " ": false,
		} {
			if got, err := h.Verify(t.Context(), hash, given); err != nil || got != want {
				t.Errorf("Verify(%s, %q) = %v, %v; want %v", hash, given, got, err, want)
			}
		}
	}
}

func TestLegacyHashesAreValidated(t *testing.T) {
	t.Parallel()
	h := hasher(1, time.Minute)
	for name, hash := range map[string]string{
		"nothing":                   "",
		"an own one":                "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$AGeLLh8T1ImwO6AL4sOvHaOwDhkd5aK/asK6Q2Oygu4",
		"another digest":            "$pbkdf2-sha1$i=25000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$AGeLLh8T1ImwO6AL4sOvHaOwDhkd5aK/asK6Q2Oygu4",
		"rounds without end":        "$pbkdf2-sha256$i=2000000000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$AGeLLh8T1ImwO6AL4sOvHaOwDhkd5aK/asK6Q2Oygu4",
		"too few rounds":            "$pbkdf2-sha256$i=1,l=32$MDEyMzQ1Njc4OWFiY2RlZg$AGeLLh8T1ImwO6AL4sOvHaOwDhkd5aK/asK6Q2Oygu4",
		"rounds below nothing":      "$pbkdf2-sha256$i=-25000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$AGeLLh8T1ImwO6AL4sOvHaOwDhkd5aK/asK6Q2Oygu4",
		"a length that is not":      "$pbkdf2-sha256$i=25000,l=31$MDEyMzQ1Njc4OWFiY2RlZg$AGeLLh8T1ImwO6AL4sOvHaOwDhkd5aK/asK6Q2Oygu4",
		"a key of nothing":          "$pbkdf2-sha256$i=25000,l=0$MDEyMzQ1Njc4OWFiY2RlZg$",
		"no salt":                   "$pbkdf2-sha256$i=25000,l=32$$AGeLLh8T1ImwO6AL4sOvHaOwDhkd5aK/asK6Q2Oygu4",
		"an end of line":            "$pbkdf2-sha256$i=25000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$AGeLLh8T1ImwO6AL4sOvHaOwDhkd5aK/asK6Q2Oygu4\n",
		"a cost that takes a day":   "$2a$31$zRX.vX0lCj1C1qFEtn.sD.bWB0dV462bJHBAfK/lATvIHHpFAESo.",
		"a cost below the least":    "$2a$00$zRX.vX0lCj1C1qFEtn.sD.bWB0dV462bJHBAfK/lATvIHHpFAESo.",
		"a bcrypt known to be weak": "$2x$04$zRX.vX0lCj1C1qFEtn.sD.bWB0dV462bJHBAfK/lATvIHHpFAESo.",
		"half a bcrypt":             "$2a$04$zRX.vX0lCj1C1qFEtn.sD.bWB0",
		"letters of no bcrypt":      "$2a$04$zRX.vX0lCj1C1qFEtn.sD.bWB0dV462bJHBAfK/lATvIHHpFAES=.",
	} {
		if err := credential.CheckLegacyHash(hash); err == nil {
			t.Errorf("%s: CheckLegacyHash(%q) = nil, want an error", name, hash)
		}
		if hash == "" || strings.HasPrefix(hash, "$argon2id$") {
			continue
		}
		if ok, err := h.Verify(t.Context(), hash, "a secret of somebody"); ok || err == nil {
			t.Errorf("%s: Verify(%q) = %v, %v; want an error", name, hash, ok, err)
		}
	}
}

// FuzzLegacyHash checks that every accepted hash can be verified in bounded time, and does
// not match another secret.
func FuzzLegacyHash(f *testing.F) {
	for hash := range legacyHashes {
		f.Add(hash)
	}
	f.Add("$pbkdf2-sha256$i=1000,l=16$MDEyMzQ1Njc4OQ$AAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$2b$05$......................AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA")
	h := hasher(64, time.Minute)
	f.Fuzz(func(t *testing.T, hash string) {
		if credential.CheckLegacyHash(hash) != nil {
			return
		}
		if strings.Contains(hash, "i=") && len(hash) > 400 || strings.ContainsAny(hash, " \n\r") {
			t.Errorf("%q passes", hash)
		}
		if ok, err := h.Verify(t.Context(), hash, "nobody's secret, \x01"); ok || err != nil {
			t.Errorf("Verify(%q) = %v, %v; want false", hash, ok, err)
		}
	})
}
