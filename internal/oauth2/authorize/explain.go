package authorize

import (
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/refusal"
)

// explain returns err, a verdict of fosite's, with the cause that is known of the code.
// fosite has one answer to everything that can be wrong with it.
func (u *unit) explain(err error) error {
	if err == nil {
		return nil
	}
	cause := u.cause
	if cause == nil && u.held != nil {
		cause = u.mismatch()
	}
	if cause == nil {
		return err
	}
	explained := *cause
	explained.Err = err
	return &explained
}

// mismatch compares the token request with the authorization request, as fosite did (RFC
// 6749 section 4.1.3, RFC 7636 section 4.6). It returns nil if they fit.
func (u *unit) mismatch() *refusal.Cause {
	asked, came := u.held.Authorization.RedirectURI, u.form.Get("redirect_uri")
	challenge, verifier := u.held.Authorization.Challenge, u.form.Get("code_verifier")
	var cause *refusal.Cause
	switch {
	case asked != "" && came == "":
		cause = refusal.New(refusal.RedirectURIMissing, "the token request has no redirect_uri, the authorization request had one",
			refusal.Registered("expected_redirect_uri", asked))
	case asked != came:
		cause = refusal.New(refusal.RedirectURIMismatch, "redirect_uri differs from the authorization request",
			refusal.Registered("expected_redirect_uri", asked), refusal.Received("received_redirect_uri", came))
	case challenge != "" && verifier == "":
		cause = refusal.New(refusal.VerifierMissing, "code_verifier is missing, the authorization request had a code_challenge")
	case challenge == "" && verifier != "":
		cause = refusal.New(refusal.VerifierUnexpected, "code_verifier came, the authorization request had no code_challenge")
	case challenge != "" && !verifierFits(verifier, challenge):
		cause = refusal.New(refusal.VerifierMismatch, "code_verifier does not fit the code_challenge of the authorization request")
	default:
		return nil
	}
	cause.Text += "; the code is spent"
	return cause.WithGrant(u.held.ID.String())
}

// replayedCode explains that a code came a second time, which ends its grant.
func replayedCode(rule refusal.Rule, held *grant.GrantWithAccount) *refusal.Cause {
	return refusal.New(rule, "the code was spent before; the grant is revoked", refusal.At("code_spent_at", held.CodeRedeemedAt)).
		WithGrant(held.ID.String()).AsWarning()
}

// replayedRefresh explains that an outdated refresh token came, which ends its grant.
func replayedRefresh(held *grant.GrantWithAccount, presented int64) error {
	return refusal.Wrap(grant.ErrNotFound, refusal.RefreshReplayed, "the refresh token was rotated before; the grant is revoked",
		refusal.At("last_rotated_at", held.RefreshRotatedAt),
		refusal.Number("presented_generation", presented), refusal.Number("current_generation", held.RefreshGeneration),
	).WithGrant(held.ID.String()).AsWarning()
}
