package login

import (
	"context"
	"time"
)

// networkLimits returns a limit for each of the nested networks that a request comes
// from, the narrowest first. That one may make most guesses in the window, and each
// wider one growth times as many as the one within it.
func (h *Handler) networkLimits(ctx context.Context, what string, most, growth int, window time.Duration) []limit {
	networks := h.Networks(h.Address(ctx))
	limits := make([]limit, len(networks))
	for i, network := range networks {
		limits[i] = limit{what + " " + network.String(), most, window}
		most *= growth
	}
	return limits
}
