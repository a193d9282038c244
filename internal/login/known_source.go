package login

import (
	"context"
	"fmt"
	"net/http"

	"github.com/ostiary/ostiary/internal/account"
)

// attempt is one try at a password, with the limits that hold for it.
type attempt struct {
	limits []limit
	known  account.KnownSource
}

// attemptAt selects the failure counter of a password attempt for a canonical username.
//
// A browser where the account has signed in has a counter of its own, and so has each of
// the nested networks, of which the narrowest known one counts; all others share one. So attempts from elsewhere never lock out a user on a
// known device or network. The lookup is the same whether or not there is an account.
func (h *Handler) attemptAt(r *http.Request, username string) (attempt, error) {
	if !h.Throttle {
		return attempt{}, nil
	}
	source := account.NewSignInSource(username, h.Cookies.Device(r), h.networks(r.Context())...)
	known, err := h.Accounts.KnownSource(r.Context(), source, h.Now())
	if err != nil {
		return attempt{}, fmt.Errorf("look up device: %w", err)
	}
	counter := account.SharedCounter(username)
	network := known.Network()
	switch {
	case !known.Device.IsZero():
		counter = account.SourceCounter(source.Device)
	case network >= 0:
		counter = account.SourceCounter(source.Networks[network])
	}
	at := attempt{known: known}
	for _, l := range account.Lockout(counter) {
		at.limits = append(at.limits, limit{l.Key, l.MaxAttempts, l.Window})
	}
	return at, nil
}

// networks returns the nested networks of the request's address, the narrowest first.
func (h *Handler) networks(ctx context.Context) []string {
	var list []string
	for _, network := range h.Networks(h.Address(ctx)) {
		list = append(list, network.String())
	}
	return list
}

// countAttempt counts an attempt before anything is checked, and returns how long to
// wait if it is one too many. What others in its network did is no reason to reject a
// known device, nor what was done in wider networks to reject a known one.
func (h *Handler) countAttempt(ctx context.Context, at attempt) (hold, error) {
	if !at.known.Device.IsZero() {
		return h.countAt(ctx, at.limits, h.Now())
	}
	addresses := h.addressLimits(ctx)
	if network := at.known.Network(); network >= 0 {
		addresses = addresses[:network+1]
	}
	return h.count(ctx, addresses, at.limits)
}
