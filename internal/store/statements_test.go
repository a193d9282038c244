package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// TestStatements checks the statements per request that docs/architecture.md promises.
func TestStatements(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		_, err := s.Purge(t.Context(), noon) // creates the partitions
		must(t, err)
		fixture.Seed(t, s)
		must(t, s.Sessions.InsertSession(t.Context(), fixture.Session("sid", "alice"), nil))
		must(t, s.Consents.SaveConsent(t.Context(), &consent.Consent{Subject: "alice", ClientID: "rp", Scopes: []string{"openid"}, GivenAt: noon}))
		g := fixture.Grant("rp", "alice")

		for _, step := range []struct {
			name string
			want int64
			do   func(context.Context) error
		}{
			{"authorize, signed in and consented before", 2, func(ctx context.Context) error {
				if _, _, err := s.Sessions.SessionAndConsent(ctx, fixture.CookieHash("sid"), "rp", noon); err != nil {
					return err
				}
				return s.Grants.InsertGrant(ctx, g)
			}},
			{"authorize, for a client with a logout URI", 1, func(ctx context.Context) error {
				return s.Sessions.JoinSession(ctx, "sid", "rp", "", noon)
			}},
			{"token, authorization_code", 1, func(ctx context.Context) error {
				_, err := s.Grants.RedeemCode(ctx, grant.CodeRedemption{Ref: g.Locator, ClientID: "rp", Now: noon})
				return err
			}},
			{"token, refresh_token", 1, func(ctx context.Context) error {
				_, err := s.Grants.RotateRefresh(ctx, grant.RefreshRotation{Ref: g.Locator, ClientID: "rp", Generation: 1, ExpiresAt: noon.Add(time.Hour), Now: noon})
				return err
			}},
			{"the jti of an assertion", 1, func(ctx context.Context) error {
				_, err := s.Replay.ClaimOnce(ctx, "assertion", "rp", "jti", noon.Add(time.Minute), noon)
				return err
			}},
			{"userinfo, introspect", 1, func(ctx context.Context) error {
				_, err := s.Grants.LiveGrant(ctx, g.Locator, "jti", noon)
				return err
			}},
			{"introspect of a client's own token", 1, func(ctx context.Context) error {
				return s.Grants.LiveClient(ctx, "rp", "jti", noon, noon)
			}},
			{"token, jwt-bearer", 1, func(ctx context.Context) error {
				_, _, err := s.TrustedIssuers.TrustsFor(ctx, "https://issuer.example", "alice", noon)
				return err
			}},
			{"revoke an access token", 1, func(ctx context.Context) error {
				return s.Grants.DenyToken(ctx, "jti", noon.Add(time.Minute))
			}},
			{"revoke a refresh token", 1, func(ctx context.Context) error {
				return s.Grants.RevokeGrant(ctx, g.Locator, "rp", grant.RevokedByClient, noon)
			}},
			{"count a guess", 1, func(ctx context.Context) error {
				_, _, err := s.Throttle.CountAttempt(ctx, "alice", time.Minute, noon)
				return err
			}},
		} {
			before := s.Statements()
			if err := step.do(t.Context()); err != nil {
				t.Errorf("%s = %v, want success", step.name, err)
			}
			if got := s.Statements() - before; got != step.want {
				t.Errorf("%s took %d statements, want %d", step.name, got, step.want)
			}
		}
	})
}
