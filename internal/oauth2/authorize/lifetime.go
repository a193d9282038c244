package authorize

import (
	"time"

	"github.com/ostiary/ostiary/internal/client"
)

// accessLifetime is how long an access token of the client lasts that comes of a
// grant type. A client's own lifespan is bounded like the time that keys are kept for
// the tokens that they signed.
func (h *Handler) accessLifetime(c *client.Client, grantType string) time.Duration {
	return min(c.Of(grantType).Access.Or(h.Lifetimes.AccessToken), h.Lifetimes.LongestToken)
}

// idTokenLifetime is accessLifetime for ID tokens.
func (h *Handler) idTokenLifetime(c *client.Client, grantType string) time.Duration {
	return min(c.Of(grantType).ID.Or(h.Lifetimes.IDToken), h.Lifetimes.LongestToken)
}

// refreshLifetime is how long a refresh token may lie unused that comes of a grant
// type. Its grant ends in any case when it does.
func (h *Handler) refreshLifetime(c *client.Client, grantType string) time.Duration {
	return c.Of(grantType).Refresh.Or(h.Lifetimes.RefreshIdle)
}

// way is the grant type by which the unit's tokens come. Those that the authorization
// endpoint gives out itself come by none of the token endpoint's.
func (u *unit) way() string {
	if grantType := u.form.Get("grant_type"); grantType != "" {
		return grantType
	}
	return client.GrantImplicit
}

// tokensUntil returns when the access token that the unit is about to issue ends at the
// latest. The claim of its code or refresh token writes that into the grant.
func (h *Handler) tokensUntil(u *unit) time.Time {
	return wholeSecond(u.now.Add(h.accessLifetime(u.client, u.way())))
}

// wholeSecond returns the first whole second after t. A token's end has whole seconds and
// the database whole microseconds; a bound must not lose to either.
func wholeSecond(t time.Time) time.Time { return t.Truncate(time.Second).Add(time.Second) }

// expiry returns when an access token of the unit ends. Under a grant that is no later
// than the grant itself says, by which it is found and kept. A token from the assertion of
// a trusted issuer ends with that trust.
func (h *Handler) expiry(u *unit) time.Time {
	end := u.now.Add(h.accessLifetime(u.client, u.way()))
	var bounds []time.Time
	switch {
	case u.held != nil:
		bounds = []time.Time{u.held.EndsAt, u.held.TokensUntil}
	case u.asserted != nil:
		bounds = []time.Time{u.asserted.Trust.ExpiresAt}
	}
	for _, bound := range bounds {
		if !bound.IsZero() && bound.Before(end) {
			end = bound
		}
	}
	return end
}
