package outbox

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	random "math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/jwks"
)

// tokenLifetime is how long a logout token is good: it is made when it is sent.
const tokenLifetime = 2 * time.Minute

// refusals is how often a client may refuse a logout token before it is believed.
const refusals = 4

// errUndeliverable reports a client that cannot be told any more.
var errUndeliverable = errors.New("nobody to deliver it to")

// deliver sends one claimed notice and notes how it went.
func (c *Courier) deliver(ctx context.Context, n *Notice) returned {
	status, took, err := c.post(ctx, n)
	n.Status, n.Fault = status, ""
	if err == nil && (status < 200 || status > 299) {
		err = fmt.Errorf("answered %d", status)
	}
	now := c.Now()
	if err == nil {
		c.Log.LogAttrs(ctx, slog.LevelDebug, "notice delivered", described(n)...)
		c.settled(ctx, n, c.Store.EndNotice(ctx, n, Delivered, now))
		return returned{unwell: took > brisk}
	}

	n.Fault = brief(err)
	next := now.Add(pause(n.Attempts))
	refused := status == http.StatusBadRequest && n.Attempts >= refusals
	if refused || errors.Is(err, errUndeliverable) || next.After(n.Until) {
		c.Log.LogAttrs(ctx, slog.LevelWarn, "notice given up", described(n)...)
		c.settled(ctx, n, c.Store.EndNotice(ctx, n, Failed, now))
		return returned{unwell: true}
	}
	c.Log.LogAttrs(ctx, slog.LevelInfo, "notice not delivered yet", described(n)...)
	c.settled(ctx, n, c.Store.PostponeNotice(ctx, n, next))
	return returned{unwell: true, next: next}
}

// described is what the log says of a notice.
func described(n *Notice) []slog.Attr {
	return []slog.Attr{
		slog.String("notice", n.ID), slog.String("kind", string(n.Kind)), slog.String("client_id", n.ClientID),
		slog.Int("attempts", n.Attempts), slog.Int("status", n.Status), slog.String("fault", n.Fault),
	}
}

// settled logs that it could not be written down how a delivery went. That costs
// one more, when the claim has run out.
func (c *Courier) settled(ctx context.Context, n *Notice, err error) {
	if err != nil {
		c.Log.LogAttrs(ctx, slog.LevelWarn, "notice not settled", slog.String("notice", n.ID), slog.Any("error", err))
	}
}

// post sends the notice to where its client wants it now, and returns how long the
// client took over it.
//
// Spec: OpenID Connect Back-Channel Logout sections 2.4, 2.5.
func (c *Courier) post(ctx context.Context, n *Notice) (status int, took time.Duration, err error) {
	told, err := c.Clients.Client(ctx, n.ClientID)
	switch {
	case errors.Is(err, client.ErrNotFound):
		return 0, 0, fmt.Errorf("%w: the client is gone", errUndeliverable)
	case err != nil:
		return 0, 0, fmt.Errorf("read client: %w", err)
	case told.Disabled:
		return 0, 0, fmt.Errorf("%w: the client is disabled", errUndeliverable)
	case told.BackchannelLogoutURI == "":
		return 0, 0, fmt.Errorf("%w: the client has no backchannel_logout_uri any more", errUndeliverable)
	}
	token, err := c.logoutToken(ctx, told, n)
	if err != nil {
		return 0, 0, err
	}
	began := c.Now()
	status, err = c.Poster.Post(ctx, told.BackchannelLogoutURI, url.Values{"logout_token": {token}})
	return status, c.Now().Sub(began), err
}

// logoutToken signs what the client is told, as its ID tokens are. It has no nonce,
// by which it would look like one of them.
//
// Spec: OpenID Connect Back-Channel Logout section 2.4.
func (c *Courier) logoutToken(ctx context.Context, told *client.Client, n *Notice) (string, error) {
	alg := jwks.ES256
	if told.IDTokenSignedResponseAlg != "" {
		alg = jwks.Algorithm(told.IDTokenSignedResponseAlg)
	}
	now := c.Now()
	token, err := c.Signer.SignClaims(ctx, alg, "logout+jwt", map[string]any{
		"iss": c.Issuer, "aud": told.ID, "iat": now.Unix(), "exp": now.Add(tokenLifetime).Unix(), "jti": rand.Text(),
		"sub": cmp.Or(n.KnownAs, c.Subjects.Of(told, n.Subject)), "sid": c.Subjects.Session(told, n.SessionID),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": struct{}{}},
	})
	if err != nil {
		return "", fmt.Errorf("sign logout token: %w", err)
	}
	return token, nil
}

// pause is how long to wait after so many attempts, and a little more, so that not
// all come back at once.
func pause(attempts int) time.Duration {
	pauses := []time.Duration{
		time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour,
	}
	p := pauses[min(max(attempts, 1), len(pauses))-1]
	return p + random.N(p/4) //nolint:gosec // not a credential
}

// brief is what an administrator reads of an error.
func brief(err error) string {
	const enough = 300
	text := err.Error()
	if len(text) > enough {
		text = text[:enough] + "..."
	}
	text = strings.ToValidUTF8(text, "?") // no database takes anything else
	return strings.ReplaceAll(text, "\x00", "?")
}
