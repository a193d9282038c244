package store_test

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/datafile"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/secondfactor"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
	"github.com/ostiary/ostiary/internal/totp"
)

// errLost reports a lost race for which the store has no error.
var errLost = errors.New("lost the race")

// TestRaces runs operations that may succeed once 32 times concurrently on two
// replicas.
func TestRaces(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		lost error
		// prepare returns the operation of each caller.
		prepare func(*testing.T, *store.Store) func(context.Context, *store.Store) error
	}{
		"spend one code": {grant.ErrSpent, func(t *testing.T, s *store.Store) func(context.Context, *store.Store) error {
			t.Helper()
			g := fixture.InsertGrant(t, s, nil)
			return func(ctx context.Context, s *store.Store) error {
				held, err := s.Grants.RedeemCode(ctx, grant.CodeRedemption{Ref: g.Locator, ClientID: "rp", Now: noon})
				if held == nil || held.RefreshGeneration != 1 {
					t.Errorf("RedeemCode = %v, %v, want the grant with its first generation", held, err)
				}
				return err
			}
		}},
		"rotate one generation": {grant.ErrStaleGeneration, func(t *testing.T, s *store.Store) func(context.Context, *store.Store) error {
			t.Helper()
			g := fixture.InsertGrant(t, s, nil)
			fixture.RedeemCode(t, s, g)
			return func(ctx context.Context, s *store.Store) error {
				held, err := s.Grants.RotateRefresh(ctx, grant.RefreshRotation{Ref: g.Locator, ClientID: "rp", Generation: 1, ExpiresAt: noon.Add(time.Hour), Now: noon})
				if held == nil || held.RefreshGeneration != 2 {
					t.Errorf("RotateRefresh = %v, %v, want the grant with its second generation", held, err)
				}
				return err
			}
		}},
		"make one data file": {datafile.ErrNotFound, func(t *testing.T, s *store.Store) func(context.Context, *store.Store) error {
			t.Helper()
			must(t, s.DataFiles.RequestDataFile(t.Context(), "alice", noon, 1))
			return func(ctx context.Context, s *store.Store) error {
				_, err := s.DataFiles.ClaimDataFile(ctx, noon, noon.Add(time.Minute))
				return err
			}
		}},
		"write one grant": {grant.ErrExists, func(t *testing.T, _ *store.Store) func(context.Context, *store.Store) error {
			t.Helper()
			g := fixture.Grant("rp", "alice")
			g.Partition += 2 // its partition does not exist yet
			return func(ctx context.Context, s *store.Store) error { return s.Grants.InsertGrant(ctx, g) }
		}},
		"write one version of the keys": {jwks.ErrConflict, func(*testing.T, *store.Store) func(context.Context, *store.Store) error {
			return func(ctx context.Context, s *store.Store) error {
				return s.Keys.SaveKeys(ctx, 0, []jwks.Record{{KID: rand.Text(), Sealed: []byte{1}}}, nil)
			}
		}},
		"decide one request": {authrequest.ErrAlreadyDecided, func(t *testing.T, s *store.Store) func(context.Context, *store.Store) error {
			t.Helper()
			must(t, s.Requests.InsertRequest(t.Context(), fixture.Request("request")))
			return func(ctx context.Context, s *store.Store) error {
				return s.Requests.RecordDecision(ctx, "request", authrequest.Accepted, "alice",
					&consent.Consent{Subject: "alice", ClientID: "rp", Scopes: []string{"email"}, GivenAt: noon}, noon)
			}
		}},
		"spend one set-up link": {account.ErrSetupLink, func(t *testing.T, s *store.Store) func(context.Context, *store.Store) error {
			t.Helper()
			link := session.Hash("link")
			must(t, s.SetupLinks.InsertSetupLink(t.Context(), link, noon.Add(time.Minute)))
			return func(ctx context.Context, s *store.Store) error {
				return s.SetupLinks.RedeemSetupLink(ctx, link, fixture.Account(rand.Text()), nil, "192.0.2.1", noon)
			}
		}},
		"accept one code of an authenticator app": {secondfactor.ErrReplayed, func(t *testing.T, s *store.Store) func(context.Context, *store.Store) error {
			t.Helper()
			factors := factorsOf(s)
			secret := enrol(t, factors, "alice", noon)
			later := noon.Add(time.Minute)
			return func(ctx context.Context, s *store.Store) error {
				return factorsOf(s).VerifyTOTP(ctx, "alice", totp.Code(secret, totp.Step(later)), later)
			}
		}},
		"use one recovery code": {secondfactor.ErrReplayed, func(t *testing.T, s *store.Store) func(context.Context, *store.Store) error {
			t.Helper()
			codes, err := factorsOf(s).GenerateRecoveryCodes(t.Context(), "alice", noon)
			must(t, err)
			return func(ctx context.Context, s *store.Store) error {
				left, err := factorsOf(s).VerifyRecoveryCode(ctx, "alice", codes[3], noon)
				if err == nil && left != 9 {
					t.Errorf("%d codes are left, want 9", left)
				}
				return err
			}
		}},
		"confirm one enrolment": {secondfactor.ErrNoEnrolment, func(t *testing.T, s *store.Store) func(context.Context, *store.Store) error {
			t.Helper()
			e := beginEnrolment(t, factorsOf(s), "alice")
			binding := enrolmentBinding
			binding.Shown = e.ID
			return func(ctx context.Context, s *store.Store) error {
				_, err := factorsOf(s).ConfirmTOTP(ctx, "alice", totp.Code(e.Secret, totp.Step(noon)), "", binding, noon)
				return err
			}
		}},
		"claim one value": {errLost, func(*testing.T, *store.Store) func(context.Context, *store.Store) error {
			return func(ctx context.Context, s *store.Store) error {
				return wonOrLost(s.Replay.ClaimOnce(ctx, "assertion", "rp", "jti", noon.Add(time.Minute), noon))
			}
		}},
		"claim one value that was claimed long ago": {errLost, func(t *testing.T, s *store.Store) func(context.Context, *store.Store) error {
			t.Helper()
			must(t, wonOrLost(s.Replay.ClaimOnce(t.Context(), "assertion", "rp", "jti", noon, noon)))
			return func(ctx context.Context, s *store.Store) error {
				return wonOrLost(s.Replay.ClaimOnce(ctx, "assertion", "rp", "jti", noon.Add(time.Minute), noon))
			}
		}},
		"register one client": {client.ErrExists, func(*testing.T, *store.Store) func(context.Context, *store.Store) error {
			return func(ctx context.Context, s *store.Store) error {
				return s.Clients.InsertClient(ctx, fixture.Client("new"))
			}
		}},
		"change one version of a client": {client.ErrConflict, func(*testing.T, *store.Store) func(context.Context, *store.Store) error {
			return func(ctx context.Context, s *store.Store) error {
				c := fixture.Client("rp")
				c.Version = 1
				return s.Clients.UpdateClient(ctx, c)
			}
		}},
		"take one username": {account.ErrExists, func(*testing.T, *store.Store) func(context.Context, *store.Store) error {
			return func(ctx context.Context, s *store.Store) error {
				a := fixture.Account(rand.Text())
				a.Username = "taken"
				return s.Accounts.InsertAccount(ctx, a)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.EachURL(t, func(t *testing.T, url string) {
				one, two := storetest.Open(t, url), storetest.Open(t, url)
				fixture.Seed(t, one)
				fixture.WantOneWinner(t, fixture.Race(t, one, two, tc.prepare(t, one)), tc.lost)
			})
		})
	}
}

func wonOrLost(won bool, err error) error {
	if err == nil && !won {
		return errLost
	}
	return err
}

func TestNoAttemptIsLost(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		one, two := storetest.Open(t, url), storetest.Open(t, url)
		results := fixture.Race(t, one, two, func(ctx context.Context, s *store.Store) error {
			_, _, err := s.Throttle.CountAttempt(ctx, "alice", time.Minute, noon)
			return err
		})
		for _, err := range results {
			must(t, err)
		}
		count, _, err := one.Throttle.AttemptCount(t.Context(), "alice", noon)
		must(t, err)
		wantSame(t, "guesses counted", count, len(results))
	})
}

// TestSessionEndRacesWithRedemption ends a session while its codes are redeemed: in any
// order, no grant of the session may be alive afterwards.
func TestSessionEndRacesWithRedemption(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		one, two := storetest.Open(t, url), storetest.Open(t, url)
		fixture.Seed(t, one)
		must(t, one.Sessions.InsertSession(t.Context(), fixture.Session("sid", "alice"), nil))
		g := fixture.InsertGrant(t, one, func(g *grant.Grant) { g.SessionID = "sid" })
		fixture.Race(t, one, two, func(ctx context.Context, s *store.Store) error {
			if s == two {
				_, err := s.Sessions.EndSession(ctx, "sid", noon)
				return err
			}
			_, err := s.Grants.RedeemCode(ctx, grant.CodeRedemption{Ref: g.Locator, ClientID: "rp", Now: noon})
			return err
		})
		fixture.WantLive(t, one, g.Locator, noon, false)
	})
}
