package clientauth

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/oauth2"
)

func TestClientAssertionClaims(t *testing.T) {
	t.Parallel()

	in := func(d time.Duration) int64 { return clock().Add(d).Unix() }
	for name, tc := range map[string]struct {
		claims edits
		ok     bool
	}{
		"issuer as audience":                      {nil, true},
		"token endpoint as audience":              {with("aud", tokenEndpoint), true},
		"another endpoint as audience":            {with("aud", introspection), true},
		"issuer and token endpoint":               {with("aud", []string{issuer, tokenEndpoint}), true},
		"the issuer in an array":                  {with("aud", []string{issuer}), true},
		"an endpoint in an array":                 {with("aud", []string{introspection}), true},
		"exp in an hour":                          {with("exp", in(time.Hour)), true},
		"exp in 6 min":                            {with("exp", in(6*time.Minute)), true},
		"exp in an hour, iat 4 min 59 s ago":      {edits{"exp": in(55 * time.Minute), "iat": in(-299 * time.Second)}, true},
		"no iat":                                  {with("iat", nil), true},
		"iat long ago":                            {with("iat", 0), true},
		"iat 8 s ahead":                           {with("iat", in(8*time.Second)), true},
		"iat with a fraction":                     {with("iat", float64(in(0))+0.25), true},
		"nbf 8 s ahead":                           {with("nbf", in(8*time.Second)), true},
		"expiring in a second":                    {with("exp", in(time.Second)), true},
		"expiring in a fraction of one":           {with("exp", float64(in(0))+0.5), true},
		"expiring in 5 min by a clock 10 s ahead": {with("exp", in(310*time.Second)), true},
		"jti of 256 characters":                   {with("jti", strings.Repeat("ü", 256)), true},
		"further claims":                          {with("nonce", []any{1, "x"}), true},

		"no iss":                        {with("iss", nil), false},
		"no sub":                        {with("sub", nil), false},
		"neither":                       {edits{"iss": nil, "sub": nil}, false},
		"iss of another":                {with("iss", "other"), false},
		"sub of another":                {with("sub", "other"), false},
		"iss and sub of another":        {edits{"iss": "other", "sub": "other"}, false},
		"iss and sub of nobody":         {edits{"iss": "nobody", "sub": "nobody"}, false},
		"sub with NUL":                  {edits{"iss": "signer\x00", "sub": "signer\x00"}, false},
		"sub is an object":              {edits{"iss": edits{}, "sub": edits{}}, false},
		"no aud":                        {with("aud", nil), false},
		"empty aud":                     {with("aud", ""), false},
		"foreign aud":                   {with("aud", "https://evil.example"), false},
		"foreign aud among ours":        {with("aud", []string{issuer, "https://evil.example"}), false},
		"an empty array as aud":         {with("aud", []string{}), false},
		"an array with an object":       {with("aud", []any{issuer, edits{}}), false},
		"an array in an array":          {with("aud", []any{[]string{issuer}}), false},
		"an array with an empty text":   {with("aud", []string{issuer, ""}), false},
		"foreign aud behind ours":       {with("aud", []string{"https://evil.example", issuer}), false},
		"another path of ours":          {with("aud", issuer+"/userinfo"), false},
		"a prefix of ours":              {with("aud", issuer[:len(issuer)-1]), false},
		"ours with a slash":             {with("aud", issuer+"/"), false},
		"ours with more":                {with("aud", issuer+".evil.example"), false},
		"ours in another case":          {with("aud", strings.ToUpper(issuer)), false},
		"aud is an object":              {with("aud", edits{"x": issuer}), false},
		"no exp":                        {with("exp", nil), false},
		"expired":                       {with("exp", in(-time.Second)), false},
		"expired this instant":          {with("exp", in(0)), false},
		"expired 5 min ago":             {with("exp", in(-5*time.Minute)), false},
		"exp is a string":               {with("exp", strconv.FormatInt(in(time.Minute), 10)), false},
		"exp is true":                   {with("exp", true), false},
		"exp is an array":               {with("exp", []int64{in(time.Minute)}), false},
		"exp is negative":               {with("exp", -in(time.Minute)), false},
		"exp in 6 min, no iat":          {edits{"exp": in(6 * time.Minute), "iat": nil}, false},
		"exp in an hour, iat is a text": {edits{"exp": in(time.Hour), "iat": "now"}, false},
		"exp in an hour, iat ahead":     {edits{"exp": in(time.Hour), "iat": in(11 * time.Second)}, false},
		"exp in an hour, iat 5 min ago": {edits{"exp": in(55 * time.Minute), "iat": in(-5 * time.Minute)}, false},
		"exp an hour and a second on":   {with("exp", in(time.Hour+time.Second)), false},
		"exp in milliseconds":           {with("exp", 1000*in(time.Minute)), false},
		"exp of 2^63":                   {with("exp", uint64(1)<<63), false},
		"exp of 1e300":                  {with("exp", 1e300), false},
		"iat a minute ahead":            {with("iat", in(61*time.Second)), false},
		"iat 11 s ahead":                {with("iat", in(11*time.Second)), false},
		"iat is a string":               {with("iat", strconv.FormatInt(in(0), 10)), false},
		"iat of 1e300":                  {with("iat", 1e300), false},
		"nbf a minute ahead":            {with("nbf", in(61*time.Second)), false},
		"nbf is a string":               {with("nbf", "0"), false},
		"no jti":                        {with("jti", nil), false},
		"empty jti":                     {with("jti", ""), false},
		"jti is a number":               {with("jti", 1), false},
		"jti of 257 characters":         {with("jti", strings.Repeat("x", 257)), false},
		"names in another case":         {edits{"exp": nil, "EXP": in(time.Minute)}, false},
		"an ID token that we made":      {edits{"iss": issuer, "sub": "person", "aud": "signer"}, false},
		"an authorization for a person": {with("sub", "person"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			a := newAuthenticator(withKeys(t, "signer", ecJWK(0)), withKeys(t, "other", ecJWK(1)))
			c, err := a.Authenticate(t.Context(), asserting(assertion(t, nil, tc.claims)))
			switch {
			case tc.ok && err != nil:
				t.Errorf("refused %v: %v", tc.claims, err)
			case tc.ok && c.ID != "signer":
				t.Errorf("authenticated %q", c.ID)
			case !tc.ok && err == nil:
				t.Errorf("%q passed with %v", c.ID, tc.claims)
			case !tc.ok && refusalOf(t, err).Code != oauth2.CodeInvalidClient:
				t.Errorf("refusal = %v, want %s", err, oauth2.CodeInvalidClient)
			}
		})
	}
}

func TestMalformedClaimsAreRejected(t *testing.T) {
	t.Parallel()

	good := goodClaims(nil)
	for name, payload := range map[string]string{
		"nothing":                "",
		"an array":               "[" + good + "]",
		"a string":               `"signer"`,
		"null":                   "null",
		"cut off":                good[:len(good)-1],
		"something after":        good + "{}",
		"a byte order mark":      "\ufeff" + good,
		"bytes that are no text": strings.Replace(good, `"jti":"1"`, "\"jti\":\"\xff\"", 1),
		"sub twice":              strings.Replace(good, "{", `{"sub":"other",`, 1),
		"sub twice, disguised":   strings.Replace(good, "{", `{"s\u0075b":"other",`, 1),
		"exp twice":              strings.Replace(good, "{", `{"exp":1,`, 1),
		"a number out of range":  strings.Replace(good, "{", `{"x":1e999,`, 1),
		"an endless exp":         strings.Replace(good, `"exp":`, `"exp":9`+strings.Repeat("9", 400), 1),
		"deep arrays":            strings.Replace(good, "{", `{"x":`+strings.Repeat("[", 5500)+strings.Repeat("]", 5499), 1),
		"arrays never closed":    strings.Repeat("[", 12000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			a := newAuthenticator(withKeys(t, "signer", ecJWK(0)), withKeys(t, "other", ecJWK(0)))
			signed := sign(t, ecKeys[0](), "ES256", goodHeader(nil), payload)
			c, err := a.Authenticate(t.Context(), asserting(signed))
			if err == nil {
				t.Fatalf("%q passed with %q", c.ID, payload)
			}
			if got := refusalOf(t, err); got.Code != oauth2.CodeInvalidClient {
				t.Errorf("refusal = %+v, want %s", got, oauth2.CodeInvalidClient)
			}
		})
	}
}

func TestClientAssertionIsUsedOnce(t *testing.T) {
	t.Parallel()

	a := newAuthenticator(withKeys(t, "signer", ecJWK(0)))
	signed := assertion(t, nil, nil)
	again := assertion(t, nil, nil) // the same jti under another signature

	var passed, refused atomic.Int64
	var callers sync.WaitGroup
	start := make(chan struct{})
	for n := range 32 {
		callers.Go(func() {
			<-start
			_, err := a.Authenticate(t.Context(), asserting([]string{signed, again}[n%2]))
			if err == nil {
				passed.Add(1)
			} else if refusalOf(t, err).Code == oauth2.CodeInvalidClient {
				refused.Add(1)
			}
		})
	}
	close(start)
	callers.Wait()
	if passed.Load() != 1 || refused.Load() != 31 {
		t.Errorf("of 32 callers %d passed and %d were refused, want 1 and 31", passed.Load(), refused.Load())
	}
}

func TestInvalidAssertionDoesNotUseUpItsJTI(t *testing.T) {
	t.Parallel()

	disabled := withKeys(t, "disabled", ecJWK(0))
	disabled.Disabled = true
	secretive := withSecret(t, "secretive", client.AuthPost, longSecret)
	a := newAuthenticator(withKeys(t, "signer", ecJWK(0)), withKeys(t, "other", ecJWK(1)), disabled, secretive)
	spent := a.cfg.Replay.(*memory)

	forged := swapSignature(assertion(t, nil, nil), make([]byte, 64))
	for name, refused := range map[string]string{
		"forged":          forged,
		"for elsewhere":   assertion(t, nil, with("aud", "https://evil.example")),
		"expired":         assertion(t, nil, with("exp", clock().Unix())),
		"of a disabled":   assertion(t, nil, edits{"iss": "disabled", "sub": "disabled"}),
		"of another way":  assertion(t, nil, edits{"iss": "secretive", "sub": "secretive"}),
		"of an imposter":  assertion(t, nil, edits{"iss": "other", "sub": "other"}),
		"with wrong name": assertion(t, with("kid", "k9"), nil),
	} {
		if _, err := a.Authenticate(t.Context(), asserting(refused)); err == nil {
			t.Errorf("an assertion %s passed", name)
		}
	}
	if _, err := a.Authenticate(t.Context(), asserting(assertion(t, nil, nil), "client_id", "other")); err == nil {
		t.Error("an assertion passed beside another client_id")
	}
	if len(spent.until) != 0 {
		t.Fatalf("refused assertions spent %v", spent.until)
	}

	if _, err := a.Authenticate(t.Context(), asserting(assertion(t, nil, nil))); err != nil {
		t.Errorf("the client's own assertion was refused: %v", err)
	}
	other := sign(t, ecKeys[1](), "ES256", goodHeader(nil), goodClaims(edits{"iss": "other", "sub": "other"}))
	if _, err := a.Authenticate(t.Context(), asserting(other)); err != nil {
		t.Errorf("the same jti of another client was refused: %v", err)
	}
	for id, until := range spent.until {
		if id[0] != replayKind || len(id[2]) != 43 {
			t.Errorf("spent %q, want the hash of the jti", id)
		}
		if want := clock().Add(time.Minute + leeway); !until.Equal(want) {
			t.Errorf("remembered until %v, want %v", until, want)
		}
	}
	if len(spent.until) != 2 {
		t.Errorf("%d assertions are remembered, want 2", len(spent.until))
	}
}

// RFC 10070 wants the issuer as the only audience.
func TestIssuerCanBeTheOnlyAudience(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		aud any
		ok  bool
	}{
		"the issuer":                {issuer, true},
		"the issuer in an array":    {[]string{issuer}, true},
		"the issuer twice":          {[]string{issuer, issuer}, false},
		"the token endpoint":        {tokenEndpoint, false},
		"an endpoint in an array":   {[]string{tokenEndpoint}, false},
		"issuer and token endpoint": {[]string{issuer, tokenEndpoint}, false},
		"an empty array":            {[]string{}, false},
		"nothing":                   {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			a := newAuthenticator(withKeys(t, "signer", ecJWK(0)))
			a.cfg.IssuerAudience = true
			_, err := a.Authenticate(t.Context(), asserting(assertion(t, nil, with("aud", tc.aud))))
			if tc.ok && err != nil {
				t.Errorf("refused %v: %v", tc.aud, err)
			}
			if !tc.ok && (err == nil || refusalOf(t, err).Code != oauth2.CodeInvalidClient) {
				t.Errorf("aud %v: %v, want %s", tc.aud, err, oauth2.CodeInvalidClient)
			}
		})
	}
}

// The jti of an assertion with a lifetime above five minutes is stored for five minutes.
// Afterwards its iat is too old.
func TestLongAssertionIsRememberedForFiveMinutes(t *testing.T) {
	t.Parallel()

	for exp, want := range map[time.Duration]time.Duration{ // from iat, which is a minute ago
		2 * time.Minute:  2 * time.Minute,
		5 * time.Minute:  5 * time.Minute,
		time.Hour:        5 * time.Minute,
		20 * time.Minute: 5 * time.Minute,
	} {
		a := newAuthenticator(withKeys(t, "signer", ecJWK(0)))
		spent := a.cfg.Replay.(*memory)
		issued := clock().Add(-time.Minute)
		long := assertion(t, nil, edits{"iat": issued.Unix(), "exp": issued.Add(exp).Unix()})
		if _, err := a.Authenticate(t.Context(), asserting(long)); err != nil {
			t.Fatalf("an assertion of %v: %v", exp, err)
		}
		for _, until := range spent.until {
			if got := until.Sub(issued); got != want+leeway {
				t.Errorf("an assertion of %v is remembered for %v from its iat, want %v", exp, got, want+leeway)
			}
		}
		if len(spent.until) != 1 {
			t.Errorf("an assertion of %v: %d are remembered, want 1", exp, len(spent.until))
		}
		if _, err := a.Authenticate(t.Context(), asserting(long)); err == nil {
			t.Errorf("an assertion of %v passed twice", exp)
		}
	}
}

// The jti of a long assertion is deleted 5 minutes after its iat, so the assertion must not be
// accepted again in the last minutes before its exp.
func TestLongAssertionCannotBeReplayedBeforeItsEnd(t *testing.T) {
	t.Parallel()

	for _, lasts := range []time.Duration{6 * time.Minute, 20 * time.Minute, time.Hour} {
		a := newAuthenticator(withKeys(t, "signer", ecJWK(0)))
		long := assertion(t, nil, edits{"iat": clock().Unix(), "exp": clock().Add(lasts).Unix()})
		if _, err := a.Authenticate(t.Context(), asserting(long)); err != nil {
			t.Fatalf("an assertion of %v: %v", lasts, err)
		}
		for _, since := range []time.Duration{maxAhead + leeway + time.Second, lasts - 4*time.Minute, lasts - time.Second} {
			a.cfg.Now = func() time.Time { return clock().Add(since) }
			if _, err := a.Authenticate(t.Context(), asserting(long)); err == nil {
				t.Errorf("an assertion of %v passed again %v later", lasts, since)
			}
		}
	}
}
