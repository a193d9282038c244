package dpop_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/dpop"
	"github.com/ostiary/ostiary/internal/refusal"
)

const endpoint = "https://op.example/oauth2/token"

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// members are the members of a header or of a payload. A nil value removes the member.
type members map[string]any

func with(base, changes members) members {
	changed := maps.Clone(base)
	maps.Copy(changed, changes)
	maps.DeleteFunc(changed, func(_ string, value any) bool { return value == nil })
	return changed
}

// signer makes proofs.
type signer struct {
	alg string
	key any
}

func (s signer) jwk(tb testing.TB) members {
	tb.Helper()
	private := jose.JSONWebKey{Key: s.key}
	encoded, err := json.Marshal(private.Public())
	if err != nil {
		tb.Fatal(err)
	}
	var jwk members
	if err := json.Unmarshal(encoded, &jwk); err != nil {
		tb.Fatal(err)
	}
	return jwk
}

func (s signer) thumbprint(tb testing.TB) string {
	tb.Helper()
	sum, err := (&jose.JSONWebKey{Key: s.key}).Thumbprint(crypto.SHA256)
	if err != nil {
		tb.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

// proof returns a proof of noon for the endpoint, with changes.
func (s signer) proof(tb testing.TB, header, payload members) string {
	tb.Helper()
	h := with(members{"typ": "dpop+jwt", "alg": s.alg, "jwk": s.jwk(tb)}, header)
	p := with(members{"jti": rand.Text(), "htm": "POST", "htu": endpoint, "iat": noon.Unix()}, payload)
	return sign(tb, s, encode(tb, h)+"."+encode(tb, p))
}

func encode(tb testing.TB, value any) string {
	tb.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		tb.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(encoded)
}

func sign(tb testing.TB, s signer, input string) string {
	tb.Helper()
	sum := sha256.Sum256([]byte(input))
	var signature []byte
	var err error
	switch key := s.key.(type) {
	case *ecdsa.PrivateKey:
		r, ss, signErr := ecdsa.Sign(rand.Reader, key, sum[:])
		if err = signErr; err == nil {
			size := (key.Params().BitSize + 7) / 8
			signature = append(r.FillBytes(make([]byte, size)), ss.FillBytes(make([]byte, size))...)
		}
	case ed25519.PrivateKey:
		signature = ed25519.Sign(key, []byte(input))
	case *rsa.PrivateKey:
		if s.alg == "PS256" {
			signature, err = rsa.SignPSS(rand.Reader, key, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		} else {
			signature, err = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		}
	}
	if err != nil {
		tb.Fatal(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// unsigned returns a proof without its signature.
func unsigned(proof string) string { return proof[:strings.LastIndex(proof, ".")+1] }

func newES256(tb testing.TB) signer {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return signer{"ES256", key}
}

func newVerifier(now *time.Time) *dpop.Verifier {
	clock := func() time.Time { return *now }
	return &dpop.Verifier{Nonces: dpop.NewNonces([][]byte{[]byte(strings.Repeat("k", 32))}, clock), Replay: &dpop.Seen{}, Now: clock}
}

func request(tb testing.TB, proofs ...string) *http.Request {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "http://10.0.0.1/somewhere", nil)
	for _, proof := range proofs {
		r.Header.Add("DPoP", proof)
	}
	return r
}

func TestProofsOfEachAlgorithm(t *testing.T) {
	t.Parallel()
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	now := noon
	v := newVerifier(&now)
	for _, s := range []signer{newES256(t), {"EdDSA", edwards}, {"Ed25519", edwards}, {"RS256", key}, {"PS256", key}} {
		proof, err := v.Verify(t.Context(), request(t, s.proof(t, nil, nil)), dpop.Need{URL: endpoint})
		if err != nil {
			t.Errorf("%s: %v", s.alg, err)
			continue
		}
		if want := s.thumbprint(t); proof.Thumbprint != want {
			t.Errorf("%s: thumbprint %s, want %s", s.alg, proof.Thumbprint, want)
		}
	}
	if proof, err := v.Verify(t.Context(), request(t), dpop.Need{URL: endpoint}); proof != nil || err != nil {
		t.Errorf("no header: %v, %v", proof, err)
	}
}

// Each row is a wrong proof.
//
// Spec: RFC 9449 §4.3, §11.
func TestWrongProofs(t *testing.T) {
	t.Parallel()
	s, other := newES256(t), newES256(t)
	jwk := s.jwk(t)
	private, err := json.Marshal(jose.JSONWebKey{Key: s.key})
	if err != nil {
		t.Fatal(err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := s.proof(t, nil, nil)
	need := dpop.Need{URL: endpoint}
	atResource := dpop.Need{URL: endpoint, AccessToken: "the token"}
	hashOf := func(token string) string {
		sum := sha256.Sum256([]byte(token))
		return base64.RawURLEncoding.EncodeToString(sum[:])
	}
	for name, tc := range map[string]struct {
		need   dpop.Need
		proofs []string
	}{
		"two headers":             {need, []string{good, s.proof(t, nil, nil)}},
		"two in one header":       {need, []string{good + "," + s.proof(t, nil, nil)}},
		"empty":                   {need, []string{""}},
		"no typ":                  {need, []string{s.proof(t, members{"typ": nil}, nil)}},
		"typ of another JWT":      {need, []string{s.proof(t, members{"typ": "JWT"}, nil)}},
		"alg none":                {need, []string{unsigned(s.proof(t, members{"alg": "none"}, nil))}},
		"alg none, signed":        {need, []string{s.proof(t, members{"alg": "none"}, nil)}},
		"alg HS256":               {need, []string{s.proof(t, members{"alg": "HS256"}, nil)}},
		"alg of another key":      {need, []string{s.proof(t, members{"alg": "RS256"}, nil)}},
		"a jwk of another alg":    {need, []string{s.proof(t, members{"jwk": with(jwk, members{"alg": "EdDSA"})}, nil)}},
		"no jwk":                  {need, []string{s.proof(t, members{"jwk": nil}, nil)}},
		"a jwk that is a string":  {need, []string{s.proof(t, members{"jwk": "x"}, nil)}},
		"a private jwk":           {need, []string{s.proof(t, members{"jwk": json.RawMessage(private)}, nil)}},
		"a symmetric jwk":         {need, []string{s.proof(t, members{"jwk": members{"kty": "oct", "k": "c2VjcmV0"}}, nil)}},
		"another public key":      {need, []string{s.proof(t, members{"jwk": other.jwk(t)}, nil)}},
		"a point off the curve":   {need, []string{s.proof(t, members{"jwk": with(jwk, members{"y": jwk["x"]})}, nil)}},
		"a long coordinate":       {need, []string{s.proof(t, members{"jwk": with(jwk, members{"x": "AA" + jwk["x"].(string)})}, nil)}},
		"a padded coordinate":     {need, []string{s.proof(t, members{"jwk": with(jwk, members{"x": jwk["x"].(string) + "="})}, nil)}},
		"P-384":                   {need, []string{signer{"ES256", p384}.proof(t, nil, nil)}},
		"RSA of 1024 bits":        {need, []string{signer{"RS256", weak}.proof(t, nil, nil)}},
		"RSA with e 1":            {need, []string{s.proof(t, members{"alg": "RS256", "jwk": members{"kty": "RSA", "n": strings.Repeat("x", 342), "e": "AQ"}}, nil)}},
		"crit":                    {need, []string{s.proof(t, members{"crit": []string{"exp"}}, nil)}},
		"no jti":                  {need, []string{s.proof(t, nil, members{"jti": nil})}},
		"a jti of 129 characters": {need, []string{s.proof(t, nil, members{"jti": strings.Repeat("é", 129)})}},
		"a jti that is a number":  {need, []string{s.proof(t, nil, members{"jti": 7})}},
		"no htm":                  {need, []string{s.proof(t, nil, members{"htm": nil})}},
		"htm of another method":   {need, []string{s.proof(t, nil, members{"htm": "GET"})}},
		"htm in lower case":       {need, []string{s.proof(t, nil, members{"htm": "post"})}},
		"no htu":                  {need, []string{s.proof(t, nil, members{"htu": nil})}},
		"htu of another host":     {need, []string{s.proof(t, nil, members{"htu": "https://op.example.com/oauth2/token"})}},
		"htu of another port":     {need, []string{s.proof(t, nil, members{"htu": "https://op.example:8443/oauth2/token"})}},
		"htu of another scheme":   {need, []string{s.proof(t, nil, members{"htu": "http://op.example/oauth2/token"})}},
		"http on port 443":        {need, []string{s.proof(t, nil, members{"htu": "http://op.example:443/oauth2/token"})}},
		"htu of another path":     {need, []string{s.proof(t, nil, members{"htu": "https://op.example/oauth2/Token"})}},
		"htu with a slash more":   {need, []string{s.proof(t, nil, members{"htu": endpoint + "/"})}},
		"htu with a user":         {need, []string{s.proof(t, nil, members{"htu": "https://op.example@evil.example/oauth2/token"})}},
		"the Host header":         {need, []string{s.proof(t, nil, members{"htu": "http://10.0.0.1/somewhere"})}},
		"no iat":                  {need, []string{s.proof(t, nil, members{"iat": nil})}},
		"iat 61 s ago":            {need, []string{s.proof(t, nil, members{"iat": noon.Unix() - 61})}},
		"iat 11 s ahead":          {need, []string{s.proof(t, nil, members{"iat": noon.Unix() + 11})}},
		"iat as text":             {need, []string{s.proof(t, nil, members{"iat": "1"})}},
		"no ath":                  {atResource, []string{s.proof(t, nil, nil)}},
		"ath of another token":    {atResource, []string{s.proof(t, nil, members{"ath": hashOf("another token")})}},
		"another payload":         {need, []string{strings.Replace(good, good[strings.Index(good, "."):strings.LastIndex(good, ".")], "."+encode(t, members{"jti": "x", "htm": "POST", "htu": endpoint, "iat": noon.Unix()}), 1)}},
		"no signature":            {need, []string{unsigned(good)}},
	} {
		now := noon
		proof, err := newVerifier(&now).Verify(t.Context(), request(t, tc.proofs...), tc.need)
		if proof != nil || !errors.Is(err, dpop.ErrInvalid) {
			t.Errorf("%s: %v, %v, want ErrInvalid", name, proof, err)
			continue
		}
		if cause := refusal.Of(err); cause == nil || cause.Rule != refusal.DPoPInvalid {
			t.Errorf("%s: %v has no cause", name, err)
		}
	}
}

func TestProofsThatDifferInNothingThatCounts(t *testing.T) {
	t.Parallel()
	s := newES256(t)
	sum := sha256.Sum256([]byte("the token"))
	now := noon
	v := newVerifier(&now)
	header := members{"kid": "a", "jwk": with(s.jwk(t), members{"alg": "ES256", "use": "sig"})}
	for name, payload := range map[string]members{
		"scheme and host in upper case": {"htu": "HTTPS://OP.example/oauth2/token"},
		"the default port":              {"htu": "https://op.example:443/oauth2/token"},
		"query and fragment":            {"htu": endpoint + "?a=b#c"},
		"iat 60 s ago":                  {"iat": noon.Unix() - 60},
		"iat 10 s ahead":                {"iat": noon.Unix() + 10},
		"iat with a fraction":           {"iat": float64(noon.Unix()) + 0.5},
		"an ath that no one needs":      {"ath": base64.RawURLEncoding.EncodeToString(sum[:])},
		"a nonce that no one needs":     {"nonce": "x"},
		"a jti of 128 characters":       {"jti": strings.Repeat("é", 128)},
	} {
		if _, err := v.Verify(t.Context(), request(t, s.proof(t, header, payload)), dpop.Need{URL: endpoint}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A proof is used once, also until the last moment at which it could be used again; another key may
// use the same jti.
func TestProofsAreUsedOnce(t *testing.T) {
	t.Parallel()
	s := newES256(t)
	now := noon
	v := newVerifier(&now)
	use := func(proof string) error {
		_, err := v.Verify(t.Context(), request(t, proof), dpop.Need{URL: endpoint})
		return err
	}
	ahead := s.proof(t, nil, members{"jti": "one", "iat": noon.Unix() + 10})
	if err := use(ahead); err != nil {
		t.Fatal(err)
	}
	for _, later := range []time.Duration{0, time.Second, 70 * time.Second} {
		now = noon.Add(later)
		if err := use(ahead); !errors.Is(err, dpop.ErrInvalid) || refusal.Of(err).Rule != refusal.DPoPReplayed {
			t.Errorf("%s later: %v, want a replay", later, err)
		}
	}
	now = noon
	if err := use(newES256(t).proof(t, nil, members{"jti": "one"})); err != nil {
		t.Errorf("the jti of another key: %v", err)
	}
}

// A proof without htu is not one for an endpoint whose URL, or alias, is not known.
func TestUnknownURL(t *testing.T) {
	t.Parallel()
	s, now := newES256(t), noon
	for name, alias := range map[string]func(string) string{"no alias": nil, "an empty alias": func(string) string { return "" }} {
		v := newVerifier(&now)
		v.Alias = alias
		for _, url := range []string{"", endpoint} {
			if _, err := v.Verify(t.Context(), request(t, s.proof(t, nil, members{"htu": nil})), dpop.Need{URL: url}); !errors.Is(err, dpop.ErrInvalid) {
				t.Errorf("%s, URL %q: %v", name, url, err)
			}
		}
	}
}

func TestNonces(t *testing.T) {
	t.Parallel()
	s := newES256(t)
	now := noon.Add(30 * time.Second)
	v := newVerifier(&now)
	old := dpop.NewNonces([][]byte{[]byte(strings.Repeat("o", 32))}, func() time.Time { return now })
	v.Nonces = dpop.NewNonces([][]byte{[]byte(strings.Repeat("k", 32)), []byte(strings.Repeat("o", 32))}, func() time.Time { return now })
	use := func(nonce any, iat time.Time) error {
		_, err := v.Verify(t.Context(), request(t, s.proof(t, nil, members{"nonce": nonce, "iat": iat.Unix()})), dpop.Need{URL: endpoint, Nonce: true})
		return err
	}
	nonce, ofOldSecret := v.Nonces.Current(), old.Current()
	for name, tc := range map[string]struct {
		nonce any
		at    time.Duration // after the nonce
		want  error
	}{
		"none":                            {nil, 0, dpop.ErrNonce},
		"made up":                         {"abc", 0, dpop.ErrNonce},
		"another MAC":                     {nonce[:len(nonce)-1] + "!", 0, dpop.ErrNonce},
		"at once":                         {nonce, 0, nil},
		"of a secret that was rotated":    {ofOldSecret, 0, nil},
		"in the next minute":              {nonce, 89 * time.Second, nil},
		"a moment after it":               {nonce, 91 * time.Second, nil},
		"after it":                        {nonce, 93 * time.Second, dpop.ErrNonce},
		"of a replica that is ahead":      {nonce, -31 * time.Second, nil},
		"of a replica that is far ahead":  {nonce, -33 * time.Second, dpop.ErrNonce},
		"of this moment, of any old date": {nonce, time.Second, nil},
	} {
		now = noon.Add(30 * time.Second).Add(tc.at)
		if err := use(tc.nonce, noon.Add(-24*time.Hour)); !errors.Is(err, tc.want) || tc.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
}

func FuzzProof(f *testing.F) {
	s := newES256(f)
	f.Add(s.proof(f, nil, nil))
	f.Add(s.proof(f, members{"jwk": members{"kty": "RSA", "n": "AQAB", "e": "AQAB"}, "alg": "RS256"}, nil))
	f.Add(s.proof(f, members{"jwk": members{"kty": "OKP", "crv": "Ed25519", "x": "AA"}, "alg": "EdDSA"}, nil))
	f.Add("a.b.c")
	now := noon
	f.Fuzz(func(t *testing.T, header string) {
		v := newVerifier(&now)
		r := request(t)
		r.Header["Dpop"] = []string{header}
		proof, err := v.Verify(t.Context(), r, dpop.Need{URL: endpoint})
		if (proof == nil) == (err == nil) {
			t.Errorf("%v, %v", proof, err)
		}
		if proof != nil && len(proof.Thumbprint) != 43 {
			t.Errorf("thumbprint %q", proof.Thumbprint)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	s := newES256(b)
	now := noon
	v := newVerifier(&now)
	proofs := make([]*http.Request, 1024)
	for i := range proofs {
		proofs[i] = request(b, s.proof(b, nil, nil))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%len(proofs) == 0 {
			v.Replay = &dpop.Seen{}
		}
		if _, err := v.Verify(b.Context(), proofs[i%len(proofs)], dpop.Need{URL: endpoint}); err != nil {
			b.Fatal(err)
		}
	}
}
