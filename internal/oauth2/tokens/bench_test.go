package tokens_test

import (
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/oauth2/tokens"
)

func BenchmarkMake(b *testing.B) {
	codec, r := tokens.NewCodec([]tokens.Key{key(1)}), ref()
	b.ReportAllocs()
	for b.Loop() {
		codec.Make(tokens.Refresh, r, 1, seed)
	}
}

func BenchmarkParse(b *testing.B) {
	codec := tokens.NewCodec([]tokens.Key{key(1)})
	token := codec.Make(tokens.Refresh, ref(), 1, seed)
	b.ReportAllocs()
	for b.Loop() {
		h, err := codec.Parse(tokens.Refresh, token)
		if err != nil || !codec.Belongs(tokens.Refresh, h, seed) {
			b.Fatal("the token is not its own")
		}
	}
}

// Garbage is refused without a query. This is all that it costs.
func BenchmarkParseGarbage(b *testing.B) {
	codec := tokens.NewCodec([]tokens.Key{key(1)})
	token := codec.Make(tokens.Refresh, ref(), 1, seed)
	token = token[:len(token)-8] + "AAAAAAAA"
	b.ReportAllocs()
	for b.Loop() {
		if h, err := codec.Parse(tokens.Refresh, token); err == nil && codec.Belongs(tokens.Refresh, h, seed) {
			b.Fatal("garbage is a token")
		}
	}
}

// opaqueClaims are about as long as those of an access token.
var opaqueClaims = []byte(`{"iss":"https://op.example","sub":"` + strings.Repeat("s", 300) + `"}`)

func BenchmarkSeal(b *testing.B) {
	sealer := newSealer(b)
	b.ReportAllocs()
	for b.Loop() {
		sealer.Seal(opaqueClaims)
	}
}

func BenchmarkOpen(b *testing.B) {
	sealer := newSealer(b)
	token := sealer.Seal(opaqueClaims)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sealer.Open(token); err != nil {
			b.Fatal(err)
		}
	}
}

func newSealer(b *testing.B) *tokens.Sealer {
	b.Helper()
	sealer, err := tokens.NewSealer([]tokens.Key{key(1)})
	if err != nil {
		b.Fatal(err)
	}
	return sealer
}
