package outbox

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	random "math/rand/v2"
	"net/url"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/jwks"
)

const (
	// tokenLifetime is the lifetime of a logout token, which is signed when it is sent.
	tokenLifetime = 2 * time.Minute
	// maxRejections is how often a client may reject a logout token with 400 before the
	// delivery fails.
	maxRejections = 4
)

// errUndeliverable reports a client that accepts no notices.
var errUndeliverable = errors.New("the notice cannot be delivered")

// deliver sends a claimed notice and stores the result.
func (d *Dispatcher) deliver(ctx context.Context, n *Notice) result {
	status, took, err := d.post(ctx, n)
	n.Status, n.LastError = status, ""
	if err == nil && (status < 200 || status > 299) {
		err = fmt.Errorf("the client responded with status %d", status)
	}
	now := d.Now()
	if err == nil {
		d.Log.LogAttrs(ctx, slog.LevelDebug, "notice delivered", attrs(n)...)
		d.logUnstored(ctx, n, d.Store.EndNotice(ctx, n, Delivered, now))
		return result{unhealthy: took > healthyResponse}
	}

	n.LastError = Shorten(err)
	retryAt := now.Add(Backoff(n.Attempts))
	if n.isFinal(status) || errors.Is(err, errUndeliverable) || retryAt.After(n.ExpiresAt) {
		d.Log.LogAttrs(ctx, slog.LevelWarn, "notice failed", attrs(n)...)
		d.logUnstored(ctx, n, d.Store.EndNotice(ctx, n, Failed, now))
		return result{unhealthy: true}
	}
	d.Log.LogAttrs(ctx, slog.LevelInfo, "notice not delivered, will retry", attrs(n)...)
	d.logUnstored(ctx, n, d.Store.PostponeNotice(ctx, n, retryAt))
	return result{unhealthy: true, retryAt: retryAt}
}

// attrs returns the log attributes of a notice.
func attrs(n *Notice) []slog.Attr {
	return []slog.Attr{
		slog.String("notice", n.ID), slog.String("kind", string(n.Kind)), slog.String("client_id", n.ClientID),
		slog.Int("attempts", n.Attempts), slog.Int("status", n.Status), slog.String("fault", n.LastError),
	}
}

// logUnstored logs that the result of a delivery was not stored. The notice is then sent
// again when its claim ends.
func (d *Dispatcher) logUnstored(ctx context.Context, n *Notice, err error) {
	if err != nil {
		d.Log.LogAttrs(ctx, slog.LevelWarn, "result of a notice not stored", slog.String("notice", n.ID), slog.Any("error", err))
	}
}

// post sends the notice to the current URL of its client, and returns the response time.
//
// Spec: OpenID Connect Back-Channel Logout §2.4, §2.5.
func (d *Dispatcher) post(ctx context.Context, n *Notice) (status int, took time.Duration, err error) {
	c, err := d.Clients.Client(ctx, n.ClientID)
	switch {
	case errors.Is(err, client.ErrNotFound):
		return 0, 0, fmt.Errorf("%w: the client was deleted", errUndeliverable)
	case err != nil:
		return 0, 0, fmt.Errorf("read client: %w", err)
	case c.Disabled:
		return 0, 0, fmt.Errorf("%w: the client is disabled", errUndeliverable)
	case n.Kind == BackchannelPing:
		began := d.Now()
		status, err = d.Pinger.Ping(ctx, c, n.SessionID)
		if errors.Is(err, ErrNotFound) {
			err = fmt.Errorf("%w: the request or its notification endpoint was removed", errUndeliverable)
		}
		return status, d.Now().Sub(began), err
	case c.BackchannelLogoutURI == "":
		return 0, 0, fmt.Errorf("%w: the client has no backchannel_logout_uri", errUndeliverable)
	}
	token, err := d.logoutToken(ctx, c, n)
	if err != nil {
		return 0, 0, err
	}
	began := d.Now()
	status, err = d.Poster.Post(ctx, c.BackchannelLogoutURI, url.Values{"logout_token": {token}})
	return status, d.Now().Sub(began), err
}

// logoutToken signs a logout token with the algorithm of the ID tokens of the client. It
// has no nonce, so that it is no valid ID token.
//
// Spec: OpenID Connect Back-Channel Logout §2.4.
func (d *Dispatcher) logoutToken(ctx context.Context, c *client.Client, n *Notice) (string, error) {
	alg := jwks.ES256
	if c.IDTokenSignedResponseAlg != "" {
		alg = jwks.Algorithm(c.IDTokenSignedResponseAlg)
	}
	now := d.Now()
	token, err := d.Signer.SignClaims(ctx, alg, "logout+jwt", map[string]any{
		"iss": d.Issuer, "aud": c.ID, "iat": now.Unix(), "exp": now.Add(tokenLifetime).Unix(), "jti": rand.Text(),
		"sub": cmp.Or(n.ForcedSubject, d.Subjects.Of(c, n.Subject)), "sid": d.Subjects.Session(c, n.SessionID),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": struct{}{}},
	})
	if err != nil {
		return "", fmt.Errorf("sign logout token: %w", err)
	}
	return token, nil
}

// Backoff returns how long to wait after a number of attempts, with jitter of up to a
// quarter.
func Backoff(attempts int) time.Duration {
	pauses := []time.Duration{
		time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour,
	}
	p := pauses[min(max(attempts, 1), len(pauses))-1]
	return p + random.N(p/4) //nolint:gosec // not a credential
}

// Shorten returns the text of an error for the database and the CLI.
func Shorten(err error) string {
	const maxBytes = 300
	text := err.Error()
	if len(text) > maxBytes {
		text = text[:maxBytes] + "..."
	}
	text = strings.ToValidUTF8(text, "?") // PostgreSQL rejects other bytes
	return strings.ReplaceAll(text, "\x00", "?")
}
