package oidc

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/ostiary/ostiary/internal/jwks"
)

type lost struct{ error }

func (lost) Unavailable() bool { return true }

// What says nothing about the request must not be told as a fault of it, nor as
// one that trying again would not cure.
func TestWhatIsTemporary(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		want bool
	}{
		"the database is lost":          {lost{errors.New("refused")}, true},
		"the keys are too old":          {jwks.ErrStale, true},
		"no core came free for signing": {context.DeadlineExceeded, true},
		"the caller went away":          {context.Canceled, true},
		"the token is bad":              {jwks.ErrBadToken, false},
		"a fault of our own":            {errors.New("nil map"), false},
	} {
		if got := temporary(fmt.Errorf("sign userinfo: %w", tc.err)); got != tc.want {
			t.Errorf("%s: temporary is %v, want %v", name, got, tc.want)
		}
	}
}
