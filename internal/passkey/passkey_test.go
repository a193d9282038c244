package passkey

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/keyring"
)

func relyingParty(t *testing.T, now *time.Time) *RelyingParty {
	t.Helper()
	secrets, err := keyring.New("a system secret that is long enough for tests")
	if err != nil {
		t.Fatal(err)
	}
	rp, err := New(Config{
		ID: "id.example.org", Origins: []string{"https://id.example.org", "https://example.net"}, Name: "Ostiary", Keyring: secrets,
		HandleKey: []byte("key of user handles"), Now: func() time.Time { return *now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return rp
}

func object(t *testing.T, text json.RawMessage) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal(text, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func TestOptionsOfARegistration(t *testing.T) {
	t.Parallel()
	now := noon
	rp := relyingParty(t, &now)
	user := User{Subject: "subject-of-ada", Username: "ada", Name: "Ada Lovelace"}
	o, err := rp.BeginRegistration(user, []*Passkey{{ID: []byte("an older one"), Key: Key{Transports: []string{"usb"}}}}, []byte("cookie"), Prompted)
	if err != nil {
		t.Fatal(err)
	}
	options := object(t, o.JSON)
	var algorithms []any
	list, _ := options["pubKeyCredParams"].([]any)
	for _, each := range list {
		parameter, _ := each.(map[string]any)
		algorithms = append(algorithms, parameter["alg"])
	}
	if !slices.Equal(algorithms, []any{-8., -7., -257.}) {
		t.Errorf("algorithms = %v", algorithms)
	}
	got := fmt.Sprintln(options["rp"], options["authenticatorSelection"], options["attestation"], options["excludeCredentials"], options["extensions"], options["timeout"])
	want := "map[id:id.example.org name:Ostiary] map[requireResidentKey:true residentKey:required userVerification:required] none " +
		"[map[id:" + base64.RawURLEncoding.EncodeToString([]byte("an older one")) + " transports:[usb] type:public-key]] map[credProps:true] 300000\n"
	if got != want {
		t.Errorf("options = %s\nwant      %s", got, want)
	}
	about, _ := options["user"].(map[string]any)
	id, _ := about["id"].(string)
	handle, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil || len(handle) != 32 || bytes.Contains(handle, []byte("ada")) || !bytes.Equal(handle, rp.Handle("subject-of-ada")) || bytes.Equal(handle, rp.Handle("subject-of-bob")) {
		t.Errorf("user handle = %q, %v; want 32 bytes that differ for each user", id, err)
	}
	if about["name"] != "ada" || about["displayName"] != "Ada Lovelace" {
		t.Errorf("user = %v", about)
	}
}

func TestOptionsOfASignIn(t *testing.T) {
	t.Parallel()
	now := noon
	rp := relyingParty(t, &now)
	challenges := map[any]bool{}
	for range 3 {
		o, err := rp.BeginSignIn("request")
		if err != nil {
			t.Fatal(err)
		}
		options := object(t, o.JSON)
		challenges[options["challenge"]] = true
		if raw, err := base64.RawURLEncoding.DecodeString(fmt.Sprint(options["challenge"])); err != nil || len(raw) != 32 {
			t.Errorf("challenge = %v, want 32 bytes", options["challenge"])
		}
		delete(options, "challenge")
		if got := fmt.Sprint(options); got != "map[rpId:id.example.org timeout:300000 userVerification:required]" {
			t.Errorf("options = %s, want no credentials", got)
		}
		if strings.Contains(string(o.JSON), "allowCredentials") {
			t.Errorf("options list credentials: %s", o.JSON)
		}
	}
	if len(challenges) != 3 {
		t.Errorf("three ceremonies have %d challenges", len(challenges))
	}
}

// A sealed challenge is valid for its kind, binding and five minutes.
func TestChallengeIsBound(t *testing.T) {
	t.Parallel()
	now := noon
	rp := relyingParty(t, &now)
	o, err := rp.BeginSignIn("request")
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		kind, binding, state string
		at                   time.Duration
		want                 error
	}{
		"valid":                            {signIn, "request", o.State, 0, nil},
		"at the end of its lifetime":       {signIn, "request", o.State, ChallengeLifetime, nil},
		"expired":                          {signIn, "request", o.State, ChallengeLifetime + time.Microsecond, ErrExpired},
		"from a replica with a fast clock": {signIn, "request", o.State, -time.Minute, nil},
		"from the future":                  {signIn, "request", o.State, -2 * time.Minute, ErrExpired},
		"another request":                  {signIn, "another", o.State, 0, ErrInvalid},
		"another kind":                     {registration, "request", o.State, 0, ErrInvalid},
		"changed":                          {signIn, "request", o.State[:len(o.State)-2] + "AA", 0, ErrInvalid},
		"empty":                            {signIn, "request", "", 0, ErrInvalid},
		"too long":                         {signIn, "request", strings.Repeat("A", maxState+1), 0, ErrInvalid},
	} {
		at := noon.Add(tc.at)
		rp := relyingParty(t, &at)
		issued, session, err := rp.open(tc.kind, tc.binding, tc.state)
		if !errors.Is(err, tc.want) {
			t.Errorf("%s: error %v, want %v", name, err, tc.want)
		}
		if err == nil && (!issued.Equal(noon) || session.Challenge == "") {
			t.Errorf("%s: issued at %v, challenge %q", name, issued, session.Challenge)
		}
	}
}

func TestSupports(t *testing.T) {
	t.Parallel()
	for issuer, want := range map[string]bool{
		"https://id.example.org": true, "https://id.example.org:8443/auth": true, "http://localhost:4444": true,
		"https://192.0.2.1": false, "http://127.0.0.1:4444": false, "https://[2001:db8::1]": false, "": false, "%": false,
	} {
		if got := Supports(issuer); got != want {
			t.Errorf("Supports(%q) = %v, want %v", issuer, got, want)
		}
	}
}

func TestMaker(t *testing.T) {
	t.Parallel()
	for aaguid, want := range map[string]string{
		"\xea\x9b\x8d\x66\x4d\x01\x1d\x21\x3c\xe4\xb6\xb4\x8c\xb5\x75\xd4": "Google Password Manager",
		strings.Repeat("\x00", 16): "Passkey", "": "Passkey", "an unknown maker": "Passkey",
	} {
		if got := Maker([]byte(aaguid)); got != want {
			t.Errorf("Maker(%x) = %q, want %q", aaguid, got, want)
		}
	}
}
