package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

func aSignOut(id string) *authrequest.LogoutRequest {
	return &authrequest.LogoutRequest{
		ID: id, SessionID: "sid", Subject: "alice", ClientID: "rp", Redirect: "https://rp.example/bye", State: "a b",
		CreatedAt: noon, ExpiresAt: noon.Add(15 * time.Minute),
	}
}

func TestLogoutRequestIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		fixture.Seed(t, s)
		n := fixture.Session("sid", "alice")
		n.IdentityProviderSessionID = "theirs"
		must(t, s.Sessions.InsertSession(ctx, n, nil))
		want := aSignOut("id")
		must(t, s.LogoutRequests.InsertLogoutRequest(ctx, want))
		want.IdentityProviderSessionID = "theirs"
		look := func(what string) {
			t.Helper()
			got, err := s.LogoutRequests.LogoutRequest(ctx, "id", noon)
			must(t, err)
			wantSame(t, what, got, want)
		}
		look("a sign-out")
		for name, id := range map[string]string{"too late": "id", "unknown": "x"} {
			at := noon
			if id == "id" {
				at = noon.Add(time.Hour)
			}
			wantErr(t, name, s.LogoutRequests.AnswerLogout(ctx, id, authrequest.Accepted, someVerifier, at), authrequest.ErrNotFound)
			_, err := s.LogoutRequests.LogoutRequest(ctx, id, at)
			wantErr(t, name, err, authrequest.ErrNotFound)
		}
		must(t, s.LogoutRequests.AnswerLogout(ctx, "id", authrequest.Accepted, someVerifier, noon))
		wantErr(t, "another answer", s.LogoutRequests.AnswerLogout(ctx, "id", authrequest.Denied, nil, noon), authrequest.ErrAlreadyDecided)
		want.Decision, want.DecidedAt, want.VerifierHash = authrequest.Accepted, noon, someVerifier
		look("an answered one")

		must(t, s.LogoutRequests.InsertLogoutRequest(ctx, aSignOut("refused")))
		must(t, s.LogoutRequests.AnswerLogout(ctx, "refused", authrequest.Denied, someVerifier, noon))
		_, err := s.LogoutRequests.RedeemLogout(ctx, "refused", someVerifier, noon)
		wantErr(t, "spending what was refused", err, authrequest.ErrNotFound)
	})
}

func TestLogoutRequestIsRedeemedOnce(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		a, b := storetest.Open(t, url), storetest.Open(t, url)
		fixture.Seed(t, a)
		must(t, a.LogoutRequests.InsertLogoutRequest(t.Context(), aSignOut("id")))
		fixture.WantOneWinner(t, fixture.Race(t, a, b, func(ctx context.Context, s *store.Store) error {
			return s.LogoutRequests.AnswerLogout(ctx, "id", authrequest.Accepted, someVerifier, noon)
		}), authrequest.ErrAlreadyDecided)
		for name, try := range map[string]func() error{
			"another verifier": func() error {
				_, err := a.LogoutRequests.RedeemLogout(t.Context(), "id", authrequest.HashVerifier("x"), noon)
				return err
			},
			"no verifier": func() error { _, err := a.LogoutRequests.RedeemLogout(t.Context(), "id", nil, noon); return err },
			"too late": func() error {
				_, err := a.LogoutRequests.RedeemLogout(t.Context(), "id", someVerifier, noon.Add(time.Hour))
				return err
			},
		} {
			wantErr(t, name, try(), authrequest.ErrNotFound)
		}
		fixture.WantOneWinner(t, fixture.Race(t, a, b, func(ctx context.Context, s *store.Store) error {
			o, err := s.LogoutRequests.RedeemLogout(ctx, "id", someVerifier, noon)
			if err == nil && (o.SessionID != "sid" || o.Redirect != "https://rp.example/bye" || o.VerifierUsedAt.IsZero()) {
				t.Errorf("what was spent is %+v", o)
			}
			return err
		}), authrequest.ErrNotFound)
	})
}
