package unavailable_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/unavailable"
)

type lost struct{ error }

func (lost) Unavailable() bool { return true }

type decided struct{ error }

func (decided) Unavailable() bool { return false }

// A temporary failure must be reported neither as a decision about the request nor as an
// error that a later attempt meets again.
func TestTemporaryErrors(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		err  error
		want bool
	}{
		"the database is lost":          {lost{errors.New("refused")}, true},
		"a full queue":                  {unavailable.New("too many"), true},
		"the keys are too old":          {jwks.ErrStale, true},
		"the hasher is full":            {credential.ErrBusy, true},
		"no core came free for signing": {context.DeadlineExceeded, true},
		"the client disconnected":       {context.Canceled, true},
		"the token is invalid":          {jwks.ErrBadToken, false},
		"the hash has another form":     {credential.ErrBadHash, false},
		"a decision":                    {decided{errors.New("refused")}, false},
		"an unexpected error":           {errors.New("nil map"), false},
		"no error":                      {nil, false},
	} {
		err := tc.err
		if err != nil {
			err = fmt.Errorf("do it: %w", err)
		}
		if got := unavailable.Is(err); got != tc.want {
			t.Errorf("%s: Is(%v) = %v, want %v", name, err, got, tc.want)
		}
	}
}
