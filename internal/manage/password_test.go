package manage_test

import (
	"regexp"
	"testing"

	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/manage"
)

func TestNewPassword(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[a-km-z2-8]{4}(-[a-km-z2-8]{4}){2}$`)
	seen, letters := map[string]bool{}, map[rune]bool{}
	for range 200 {
		p := manage.NewPassword()
		if !form.MatchString(p) || seen[p] || credential.CheckPassword(p) != nil {
			t.Fatalf("NewPassword = %q, want a new valid password of three groups of four characters", p)
		}
		seen[p] = true
		for _, r := range p {
			letters[r] = true
		}
	}
	wantSame(t, "different characters", len(letters), 32+1)
}
