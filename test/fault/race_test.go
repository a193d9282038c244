//go:build fault

package fault

import (
	"testing"

	"github.com/ostiary/ostiary/test/rig"
)

const racers = 20

// The losing requests are from the same client with the correct verifier. They do not
// revoke the grant (RFC 6749 section 4.1.2), since a double submit is not an attack.
func TestConcurrentExchangesOfOneCode(t *testing.T) {
	eachEngine(t, func(t *testing.T, h *fixture) { //nolint:thelper // this function is the test, not a helper
		for range rounds(100) {
			c := h.authorize(t, h.browsers[0])
			winner := onlyWinner(t, concurrently(racers, func(int) *rig.Response { return h.exchange(t.Context(), c) }))
			for _, kind := range []string{"access_token", "refresh_token"} {
				if !h.active(t, winner.Text(kind)) {
					t.Errorf("the winner's %s is not active, want it active after the losing requests", kind)
				}
			}
			if t.Failed() {
				return
			}
		}
	})
}

// A request with the code but a wrong verifier is an attack, so the grant must be revoked,
// whether it arrives before, after or during the exchange by the client.
func TestAWrongVerifierRevokesTheGrant(t *testing.T) {
	eachEngine(t, func(t *testing.T, h *fixture) { //nolint:thelper // this function is the test, not a helper
		won := 0
		for range rounds(100) {
			c := h.authorize(t, h.browsers[0])
			answers := concurrently(racers, func(i int) *rig.Response {
				mine := c
				if i == racers-1 {
					mine.verifier = "an-attacker-does-not-know-the-verifier-12345"
				}
				return h.exchange(t.Context(), mine)
			})
			for _, winner := range winners(t, answers) {
				won++
				for _, kind := range []string{"access_token", "refresh_token"} {
					if h.active(t, winner.Text(kind)) {
						t.Errorf("the winner's %s is active, want it revoked with its grant", kind)
					}
				}
			}
			if answers[racers-1].Status != 400 {
				t.Errorf("response to the attacker: %v", answers[racers-1])
			}
			if t.Failed() {
				return
			}
		}
		if won == 0 {
			t.Error("the attacker was always first")
		}
		t.Logf("the client was first %d times", won)
	})
}

func TestReplayedCodeWithoutVerifierRevokesTheGrant(t *testing.T) {
	eachEngine(t, func(t *testing.T, h *fixture) { //nolint:thelper // this function is the test, not a helper
		c := h.authorize(t, h.browsers[0])
		first := h.exchange(t.Context(), c)
		access, refresh := first.Text("access_token"), first.Text("refresh_token")
		if !h.active(t, access) || !h.active(t, refresh) {
			t.Fatal("the tokens of the code are not active")
		}
		if again := h.Exchange(t.Context(), h.client, c.value, ""); again.Text("error") != "invalid_grant" {
			t.Errorf("replay without verifier: %v", again)
		}
		if h.active(t, access) || h.active(t, refresh) {
			t.Error("the tokens of the code are active after the replay")
		}
	})
}

func TestConcurrentRefreshesReturnOneSuccessor(t *testing.T) {
	eachEngine(t, func(t *testing.T, h *fixture) { //nolint:thelper // this function is the test, not a helper
		_, token := h.tokens(t)
		for range rounds(100) {
			answers := concurrently(racers, func(int) *rig.Response { return h.Refresh(t.Context(), h.client, token) })
			successor := answers[0].Text("refresh_token")
			for i, got := range answers {
				if got.Status != 200 {
					t.Fatalf("racer %d, within the grace window: %v", i, got)
				}
				if got.Text("refresh_token") != successor {
					t.Fatal("two different successors of one refresh token")
				}
				if i%5 == 0 && !h.active(t, got.Text("access_token")) {
					t.Errorf("the access token of racer %d is not active", i)
				}
			}
			if successor == "" || successor == token {
				t.Fatal("the refresh token was not rotated")
			}
			if h.active(t, token) || !h.active(t, successor) {
				t.Error("want the old refresh token inactive and its successor active")
			}
			token = successor
		}
	})
}

func onlyWinner(t *testing.T, answers []*rig.Response) *rig.Response {
	t.Helper()
	winners := winners(t, answers)
	if len(winners) != 1 {
		t.Fatalf("%d of %d exchanges of one code won, want 1", len(winners), len(answers))
	}
	return winners[0]
}

// winners returns the successful responses of a race, at most one; all others must be
// invalid_grant.
func winners(t *testing.T, answers []*rig.Response) (winners []*rig.Response) {
	t.Helper()
	for i, got := range answers {
		switch {
		case got.Status == 200:
			winners = append(winners, got)
		case got.Status != 400 || got.Text("error") != "invalid_grant":
			t.Errorf("racer %d: %v, want 200 or 400 invalid_grant", i, got)
		}
	}
	if len(winners) > 1 {
		t.Errorf("%d of %d exchanges of one code won", len(winners), len(answers))
	}
	return winners
}
