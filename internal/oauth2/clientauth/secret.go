package clientauth

import (
	"context"
	"errors"
	"fmt"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/refusal"
)

// machineMade is the minimum length of secrets that [client.HashSecret] stores as a fast MAC.
// It hashes shorter ones slowly.
const machineMade = 32

// bySecret authenticates with a client secret, from the header or the form.
//
// Spec: RFC 6749 §2.3.1.
func (a *Authenticator) bySecret(ctx context.Context, cred credentials) (*client.Client, error) {
	if cred.secret == "" || len(cred.secret) > client.MaxSecret {
		return nil, failed("invalid client_secret", refusal.SecretMismatch)
	}
	c, err := a.lookup(ctx, cred.id)
	refused, ok := errors.AsType[*oauth2.Error](err)
	if err != nil && !ok {
		return nil, err
	}
	var kept client.Secret
	var before []client.Secret
	if c != nil {
		kept, before = c.Secret, c.PreviousSecrets(a.cfg.Now())
	}
	fit, err := a.try(ctx, cred, kept, before)
	switch {
	case err != nil:
		return nil, err
	case refused != nil:
		return nil, refused
	case fit == "":
		return nil, failed("the secret is wrong", refusal.SecretMismatch, secretAttrs(c, cred.method)...)
	case registered(c) != cred.method:
		// The caller knows the secret, so it may know this too: it is the most common mistake.
		return nil, unacceptable("the client registered another token_endpoint_auth_method", refusal.AuthMethodMismatch, methods(c, cred.method)...)
	}
	if fit == kept {
		a.renew(ctx, c, cred.secret)
	}
	a.used(c, fit)
	return c, nil
}

// secretAttrs returns log attributes for a wrong secret of c, which may have registered
// another method.
func secretAttrs(c *client.Client, used string) []refusal.Attr {
	attrs := methods(c, used)
	if len(c.RotatedSecrets) > 0 {
		attrs = append(attrs, refusal.At("previous_secret_valid_until", c.RotatedSecrets[0].ExpiresAt))
	}
	return attrs
}

// renew replaces the legacy hash of the secret of c, if it has one. A failure does not affect
// the request: the next one tries again.
func (a *Authenticator) renew(ctx context.Context, c *client.Client, secret string) {
	if !c.Secret.IsLegacyHash() || a.cfg.Renewals == nil || client.CheckSecret(secret) != nil {
		return
	}
	if _, busy := a.renewing.LoadOrStore(c.ID, true); busy {
		return // once is enough: it takes a slow hash
	}
	defer a.renewing.Delete(c.ID)
	if kept, err := client.HashSecret(ctx, a.cfg.Hasher, secret); err == nil {
		a.accepted.add(c.ID, kept, secret)
		_ = a.cfg.Renewals.ReplaceClientSecret(ctx, c.ID, c.Secret, kept) // an error only means that another request was faster, or that a later one will retry
	}
}

// try compares the secret with the current one and the valid rotated ones, unless there were
// too many recent wrong ones. It returns the matching one, or "". A recently accepted secret
// skips the limit and the hash.
func (a *Authenticator) try(ctx context.Context, cred credentials, kept client.Secret, before []client.Secret) (fit client.Secret, err error) {
	all := append([]client.Secret{kept}, before...)
	slow := kept != "" && len(cred.secret) < machineMade
	hardest := kept // to compare with
	for _, one := range all {
		if slow && a.accepted.has(cred.id, one, cred.secret) {
			return one, nil
		}
		if one.IsLegacyHash() {
			hardest = one
		}
	}
	_, err = client.TrySecret(ctx, a.cfg.Throttle, cred.id, hardest, cred.secret, a.cfg.Now(), func(ctx context.Context) (bool, error) {
		fit, err = a.fitting(ctx, all, cred.secret)
		return fit != "", err
	})
	if full, ok := errors.AsType[*client.ThrottledError](err); ok {
		return "", throttled(full.RetryAfter)
	}
	if err != nil {
		return "", err
	}
	if fit != "" && slow {
		a.accepted.add(cred.id, fit, cred.secret)
	}
	return fit, nil
}

// fitting returns the stored secret that matches, if any.
func (a *Authenticator) fitting(ctx context.Context, all []client.Secret, sent string) (client.Secret, error) {
	fits, err := a.fits(ctx, all[0], sent)
	if fits || err != nil {
		return all[0], err
	}
	for _, old := range all[1:] {
		slow := a.cfg.Hasher
		if len(sent) >= machineMade && !old.IsLegacyHash() {
			slow = unequal{}
		}
		// The longer time reveals that the operator has recently rotated the secret.
		if fits, err := old.Verify(ctx, slow, sent); fits || err != nil {
			return old, err
		}
	}
	return "", nil
}

// fits compares a secret with the stored one, if any, in a time that depends only on the
// length of the input.
//
// A short secret always costs a slow hash, whether or not the client exists and has a secret.
// A long one never does, since slow hashes are made only from short secrets. The exception is
// a legacy hash of another server.
func (a *Authenticator) fits(ctx context.Context, kept client.Secret, sent string) (bool, error) {
	if kept == "" {
		kept = a.decoy
	}
	if len(sent) >= machineMade && !kept.IsLegacyHash() {
		return kept.Verify(ctx, unequal{}, sent)
	}
	slow := &noted{Hasher: a.cfg.Hasher}
	fits, err := kept.Verify(ctx, slow, sent)
	if err != nil || slow.used {
		return fits, err
	}
	if _, err := slow.Verify(ctx, "", sent); err != nil {
		return false, fmt.Errorf("verify client secret: %w", err)
	}
	return fits, nil
}

// noted records whether a slow hash was computed.
type noted struct {
	client.Hasher
	used bool
}

func (n *noted) Verify(ctx context.Context, hash, secret string) (bool, error) {
	n.used = true
	return n.Hasher.Verify(ctx, hash, secret)
}

// unequal rejects every slow hash without computing it.
type unequal struct{ client.Hasher }

func (unequal) Verify(context.Context, string, string) (bool, error) { return false, nil }
