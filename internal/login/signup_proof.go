package login

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/signup"
)

// allSignUps is the counter of the sign-ups of all networks in an hour, which makes proofs of work
// harder.
const allSignUps = "sign-up of all networks"

// easier is how many zero bits a proof may have less than a new one: sign-ups of others may have
// made it harder while the form was open.
const easier = 2

// proof returns the challenge of a form, nil for none.
func (h *SignUp) proof(ctx context.Context, request string) (*pages.Proof, error) {
	if h.Proofs == nil {
		return nil, nil
	}
	zeroBits, err := h.proofBits(ctx)
	if err != nil {
		return nil, err
	}
	return &pages.Proof{Challenge: h.Proofs.Challenge(request, zeroBits), Bits: zeroBits}, nil
}

// proofBits returns the number of zero bits of a new proof.
func (h *SignUp) proofBits(ctx context.Context) (int, error) {
	keys := []string{allSignUps}
	if limits := h.accountLimits(ctx); len(limits) > 0 {
		keys = append(keys, limits[0].Key)
	}
	var counts [2]int
	for i, key := range keys {
		var err error
		if counts[i], _, err = h.Attempts.AttemptCount(ctx, key, h.Now()); err != nil {
			return 0, fmt.Errorf("read sign-ups: %w", err)
		}
	}
	return signup.Bits(counts[1], counts[0]), nil
}

// limitsOf returns the limits of a sign-up, after it has used up its proof of work: without one, a
// network can create fewer accounts.
func (h *SignUp) limitsOf(r *http.Request, f *flow) ([]account.Limit, error) {
	ctx, limits := r.Context(), h.accountLimits(r.Context())
	if h.Proofs == nil {
		return limits, nil
	}
	zeroBits, err := h.proofBits(ctx)
	if err != nil {
		return nil, err
	}
	proven, err := h.Proofs.Check(ctx, f.request.ID, r.PostForm.Get("proof"), zeroBits-easier)
	if err != nil || proven {
		return limits, err
	}
	return slices.Concat(h.limits.networkLimits(ctx, "sign-up without proof", 2, 4, time.Hour), limits), nil
}

// countAll counts a sign-up of any network.
func (h *SignUp) countAll(ctx context.Context) error {
	if h.Proofs == nil {
		return nil
	}
	if _, _, err := h.Attempts.CountAttempt(ctx, allSignUps, time.Hour, h.Now()); err != nil {
		return fmt.Errorf("count sign-up: %w", err)
	}
	return nil
}
