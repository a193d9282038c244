package login

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/passkey"
	"github.com/ostiary/ostiary/internal/secondfactor"
	"github.com/ostiary/ostiary/internal/session"
)

// FactorPolicy is the condition for a second factor after a password. Applications can
// require a second factor too, by acr_values.
type FactorPolicy struct {
	// WhenEnrolled asks users who have a second factor.
	WhenEnrolled bool
	// Everyone requires it of all users, Administrators those with an administrator role, and Groups
	// the members of the groups. Users without a second factor have to enrol.
	Everyone, Administrators bool
	Groups                   []string
	// Grace is how long they may sign in without, from the first sign-in under the policy.
	Grace time.Duration
}

// requires reports whether the account has to prove a second factor at the client.
func (p FactorPolicy) requires(a *account.Account, c *client.Client) bool {
	return c.RequireSecondFactor || p.Requires(a)
}

// Requires reports whether the account has to prove a second factor at every client.
func (p FactorPolicy) Requires(a *account.Account) bool {
	return p.Everyone || p.Administrators && a.AdminRole != account.NoAdminRole ||
		slices.ContainsFunc(p.Groups, func(group string) bool { return slices.Contains(a.Groups, group) })
}

// factors applies the policy of second factors to sign-ins.
type factors struct {
	*Config

	flows *flows
}

// afterPassword signs in a user whose password was right, or stores that it was if a second
// factor comes first.
func (s *factors) afterPassword(w http.ResponseWriter, r *http.Request, f *flow, a session.Authentication) error {
	enrolled, err := s.SecondFactors.Enrolled(r.Context(), a.Account.Subject)
	if err != nil {
		return fmt.Errorf("read second factors: %w", err)
	}
	f.hasFactor = enrolled.Enrolled()
	demanded, err := s.demands(r.Context(), a.Account, f.client, enrolled)
	if err != nil {
		return err
	}
	if !demanded {
		return s.flows.signIn(w, r, f, a)
	}
	a.SecondFactorWaived, err = s.TrustedDevices.Trusts(r, a.Account.Subject, a.Time)
	if err != nil {
		return fmt.Errorf("look up trusted device: %w", err)
	}
	if a.SecondFactorWaived {
		return s.flows.signIn(w, r, f, a)
	}
	return s.storeFirst(r.Context(), f, a)
}

// demands reports whether a sign-in with a password needs a second factor at the client: the policy
// requires one, or asks users who have an authenticator app, a passkey or a security key.
func (s *factors) demands(ctx context.Context, a *account.Account, c *client.Client, enrolled secondfactor.FactorSet) (bool, error) {
	switch {
	case s.FactorPolicy.requires(a, c):
		return true, nil
	case !s.FactorPolicy.WhenEnrolled || enrolled.Enrolled() || s.RelyingParty == nil:
		return s.FactorPolicy.WhenEnrolled && enrolled.Enrolled(), nil
	}
	list, err := s.flows.passkeysOf(ctx, a.Subject)
	return slices.ContainsFunc(list, (*passkey.Passkey).Enrolled), err
}

// storeFirst stores the password of a sign-in that needs a second factor.
func (s *factors) storeFirst(ctx context.Context, f *flow, a session.Authentication) error {
	f.request.FirstFactor = &authrequest.FirstFactor{Subject: a.Account.Subject, At: a.Time, AMR: a.AMR, Remember: a.Remember}
	err := s.SignIns.RecordFirstFactor(ctx, f.request.ID, f.request.FirstFactor, a.Time)
	if errors.Is(err, authrequest.ErrNotFound) {
		return s.flows.expired("expired during the sign-in", f.client)
	}
	if err != nil {
		return fmt.Errorf("record first factor: %w", err)
	}
	f.needsFactor = true
	s.Log.LogAttrs(ctx, slog.LevelInfo, "first factor proven",
		slog.String("subject", a.Account.Subject), slog.String("client_id", f.client.ID))
	return nil
}

// has reports whether the account has an authenticator app, a passkey or a security key.
func (s *factors) has(ctx context.Context, subject string) (bool, error) {
	factors, err := s.SecondFactors.Enrolled(ctx, subject)
	if err != nil {
		return false, fmt.Errorf("read second factors: %w", err)
	}
	if factors.Enrolled() || s.RelyingParty == nil {
		return factors.Enrolled(), nil
	}
	list, err := s.flows.passkeysOf(ctx, subject)
	return len(list) > 0, err
}

// graceOf returns how long a user without a second factor may still sign in without.
func (s *factors) graceOf(ctx context.Context, subject string) (time.Duration, error) {
	if s.FactorPolicy.Grace == 0 {
		return 0, nil
	}
	now := s.Now()
	deadline, err := s.Deadlines.EnrolmentDeadline(ctx, subject, now.Add(s.FactorPolicy.Grace))
	if err != nil {
		return 0, fmt.Errorf("read deadline: %w", err)
	}
	return max(0, deadline.Sub(now)), nil
}

// factorURL is the page on which the user of the flow proves a second factor.
func (s *flows) factorURL(f *flow) string {
	return s.Issuer + "/login/second-factor?request=" + url.QueryEscape(f.request.ID)
}
