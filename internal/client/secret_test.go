package client

import (
	"context"
	"math"
	"strings"
	"testing"
)

// reversed is a fast replacement for a slow hash, with a recognizable prefix.
type reversed struct{}

func (reversed) Hash(_ context.Context, password string) (string, error) {
	return "$slow$" + flip(password), nil
}

func (reversed) Verify(_ context.Context, hash, password string) (bool, error) {
	return hash == "$slow$"+flip(password), nil
}

func flip(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

func TestHashSecretDependsOnTheLength(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct{ secret, prefix string }{
		"one that was made":     {NewSecret(), fastPrefix},
		"one that was chosen":   {"a chosen one", "$slow$"},
		"the shortest":          {"123456", "$slow$"},
		"the longest":           {strings.Repeat("x", MaxSecret), fastPrefix},
		"one short of a made":   {"A" + strings.Repeat("x", strong-2), "$slow$"},
		"as long as a made one": {strings.Repeat("x", strong), fastPrefix},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			kept, err := HashSecret(t.Context(), reversed{}, tc.secret)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(string(kept), tc.prefix) || strings.Contains(string(kept), tc.secret) {
				t.Errorf("kept %q, want a hash that begins with %q", kept, tc.prefix)
			}
			for given, want := range map[string]bool{tc.secret: true, tc.secret + "x": false, "": false, flip(tc.secret) + "y": false} {
				if got, err := kept.Verify(t.Context(), reversed{}, given); err != nil || got != want {
					t.Errorf("Verify(%q) = %v, %v; want %v", given, got, err, want)
				}
			}
		})
	}
}

func TestNoSecretMatchesAnEmptySecret(t *testing.T) {
	t.Parallel()

	for _, given := range []string{"", "x", fastPrefix} {
		if ok, err := Secret("").Verify(t.Context(), reversed{}, given); ok || err != nil {
			t.Errorf("Verify(%q) = %v, %v; want false, nil", given, ok, err)
		}
	}
	for _, bad := range []string{"", "12345", strings.Repeat("x", MaxSecret+1)} {
		if _, err := HashSecret(t.Context(), reversed{}, bad); err == nil {
			t.Errorf("HashSecret of %d bytes: no error", len(bad))
		}
	}
}

func TestAlphanumericSecretsUseEveryLetterAndDigitEquallyOften(t *testing.T) {
	t.Parallel()

	const rounds = 3000
	seen := map[rune]int{}
	for range rounds {
		secret := NewAlphanumericSecret()
		if len(secret) != 40 || CheckSecret(secret) != nil {
			t.Fatalf("NewAlphanumericSecret() = %q, want 40 characters", secret)
		}
		for _, r := range secret {
			seen[r]++
		}
	}
	const want = rounds * 40 / 62.0 // with a standard deviation of 44
	for r, n := range seen {
		if letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'; !letter || math.Abs(float64(n)-want) > 8*44 {
			t.Errorf("%q occurs %d times, want about %.0f", r, n, want)
		}
	}
	if len(seen) != 62 {
		t.Errorf("%d different characters occur, want 62", len(seen))
	}
}
