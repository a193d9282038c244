package tokens_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
)

func key(tag byte) tokens.Key {
	return tokens.Key{Tag: tag, Secret: bytes.Repeat([]byte{tag}, 32)}
}

func ref() grant.Locator {
	at := time.Unix(1_800_000_000, 0)
	return grant.Locator{Partition: grant.PartitionAt(at, true), ID: grant.NewID(at)}
}

var seed = bytes.Repeat([]byte{7}, 32)

func TestTokenContainsLocatorAndGeneration(t *testing.T) {
	t.Parallel()
	codec := tokens.NewCodec([]tokens.Key{key(1)})
	want := ref()
	for _, generation := range []uint32{0, 1, 1 << 31, 1<<32 - 1} {
		token := codec.Make(tokens.Refresh, want, generation, seed)
		got, err := codec.Parse(tokens.Refresh, token)
		if err != nil {
			t.Fatalf("Parse(%q): %v", token, err)
		}
		if got.Ref != want || got.Generation != generation {
			t.Errorf("Parse = %v generation %d, want %v generation %d", got.Ref, got.Generation, want, generation)
		}
		if !codec.Belongs(tokens.Refresh, got, seed) {
			t.Error("the token does not belong to the seed it was made with")
		}
		if codec.Belongs(tokens.Refresh, got, bytes.Repeat([]byte{8}, 32)) {
			t.Error("the token belongs to a seed it was not made with")
		}
	}
}

func TestSameGenerationIsTheSameToken(t *testing.T) {
	t.Parallel()
	codec, r := tokens.NewCodec([]tokens.Key{key(1)}), ref()
	if a, b := codec.Make(tokens.Refresh, r, 3, seed), codec.Make(tokens.Refresh, r, 3, seed); a != b {
		t.Errorf("one generation gave %q and %q", a, b)
	}
}

func TestTokensOfRotatedSecretsAreAccepted(t *testing.T) {
	t.Parallel()
	token := tokens.NewCodec([]tokens.Key{key(1)}).Make(tokens.Code, ref(), 0, seed)
	for name, tc := range map[string]struct {
		keys []tokens.Key
		want bool
	}{
		"the maker reads it":                   {[]tokens.Key{key(1)}, true},
		"a newer secret in front still reads":  {[]tokens.Key{key(2), key(1)}, true},
		"without the maker's secret it is not": {[]tokens.Key{key(2)}, false},
		"a tag alone proves nothing":           {[]tokens.Key{{Tag: 1, Secret: key(2).Secret}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			codec := tokens.NewCodec(tc.keys)
			h, err := codec.Parse(tokens.Code, token)
			if got := err == nil && codec.Belongs(tokens.Code, h, seed); got != tc.want {
				t.Errorf("read with %d keys: %v, want %v", len(tc.keys), got, tc.want)
			}
		})
	}
}

// A token has one spelling, and no kind passes for another.
func TestOnlyTheExactTokenIsParsed(t *testing.T) {
	t.Parallel()
	codec := tokens.NewCodec([]tokens.Key{key(1)})
	token := codec.Make(tokens.Code, ref(), 0, seed)
	body := strings.TrimPrefix(token, string(tokens.Code))
	for name, bad := range map[string]string{
		"empty":                      "",
		"a prefix alone":             string(tokens.Code),
		"without its prefix":         body,
		"under another kind":         string(tokens.Refresh) + body,
		"with a line end inside":     token[:20] + "\n" + token[20:],
		"with a line end behind":     token + "\n",
		"with padding":               token + "=",
		"cut short":                  token[:len(token)-1],
		"with a space in front":      " " + token,
		"in the other alphabet":      string(tokens.Code) + strings.NewReplacer("-", "+", "_", "/").Replace(body) + " ",
		"with another version":       string(tokens.Code) + "C" + body[1:],
		"twice":                      token + token,
		"of the right size, garbage": string(tokens.Code) + strings.Repeat("A", len(body)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if h, err := codec.Parse(tokens.Code, bad); err == nil {
				t.Errorf("Parse(%q) = %v, want an error", bad, h)
			}
		})
	}
}

func TestEveryChangedCharacterIsRejected(t *testing.T) {
	t.Parallel()
	codec := tokens.NewCodec([]tokens.Key{key(1)})
	token := codec.Make(tokens.Refresh, ref(), 5, seed)
	for i := len(tokens.Refresh); i < len(token); i++ {
		changed := []byte(token)
		changed[i] = 'A'
		if token[i] == 'A' {
			changed[i] = 'B'
		}
		h, err := codec.Parse(tokens.Refresh, string(changed))
		if err == nil && codec.Belongs(tokens.Refresh, h, seed) {
			t.Errorf("the token with character %d changed is accepted: %q", i, changed)
		}
	}
}

func TestSealedClaimsAreOpened(t *testing.T) {
	t.Parallel()
	sealer, err := tokens.NewSealer([]tokens.Key{key(1)})
	if err != nil {
		t.Fatal(err)
	}
	claims := []byte(`{"sub":"someone"}`)
	token := sealer.Seal(claims)
	if token == sealer.Seal(claims) {
		t.Error("two seals of the same claims are alike")
	}
	got, err := sealer.Open(token)
	if err != nil || !bytes.Equal(got, claims) {
		t.Errorf("Open(Seal(claims)) = %q, %v", got, err)
	}
	raw, _ := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, "ost_at_"))
	for i := range raw {
		changed := bytes.Clone(raw)
		changed[i] ^= 1
		if _, err := sealer.Open("ost_at_" + base64.RawURLEncoding.EncodeToString(changed)); err == nil {
			t.Errorf("the sealed token with byte %d changed is opened", i)
		}
	}
	for _, bad := range []string{"", "ost_at_", token + "\n", token[:30] + "\n" + token[30:], "ost_rt_" + token[7:], token + "="} {
		if _, err := sealer.Open(bad); err == nil {
			t.Errorf("Open(%q) succeeds", bad)
		}
	}
}

// FuzzParse checks that every accepted token is canonical.
func FuzzParse(f *testing.F) {
	codec := tokens.NewCodec([]tokens.Key{key(1), key(2)})
	good := codec.Make(tokens.Refresh, ref(), 9, seed)
	f.Add(good)
	f.Add(good[:40] + "\n" + good[40:])
	f.Add(string(tokens.Refresh))
	f.Add(strings.ToUpper(good))
	f.Fuzz(func(t *testing.T, token string) {
		h, err := codec.Parse(tokens.Refresh, token)
		if err != nil {
			return
		}
		if codec.Belongs(tokens.Refresh, h, seed) && codec.Make(tokens.Refresh, h.Ref, h.Generation, seed) != token {
			t.Errorf("%q is accepted but would not be made", token)
		}
	})
}

// FuzzOpen checks that only sealed tokens open, without panics.
func FuzzOpen(f *testing.F) {
	sealer, err := tokens.NewSealer([]tokens.Key{key(1)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("ost_at_")
	f.Add("ost_at_AQE")
	f.Add("ost_at_" + strings.Repeat("A", 200))
	f.Fuzz(func(t *testing.T, token string) {
		if claims, err := sealer.Open(token); err == nil {
			t.Errorf("%q opened to %q without having been sealed", token, claims)
		}
	})
}
