//go:build fault

package fault

import (
	"testing"

	"github.com/ostiary/ostiary/test/rig"
)

const racers = 20

// The losers come from the same client with the right verifier: by RFC 6749
// section 4.1.2 they would end the grant, but a double submit is not a theft.
func TestConcurrentExchangesOfOneCode(t *testing.T) {
	eachEngine(t, func(t *testing.T, h *fixture) { //nolint:thelper // this function is the test, not a helper
		for range rounds(100) {
			c := h.authorize(t, h.browsers[0])
			winner := onlyWinner(t, concurrently(racers, func(int) *rig.Response { return h.exchange(t.Context(), c) }))
			for _, kind := range []string{"access_token", "refresh_token"} {
				if !h.active(t, winner.Text(kind)) {
					t.Errorf("the winner's %s is not active, want the losers to do no harm", kind)
				}
			}
			if t.Failed() {
				return
			}
		}
	})
}

// Whoever has the code but not the verifier is a thief, so the grant must end,
// whether they come before, after or while the client redeems it.
func TestAWrongVerifierRevokesTheGrant(t *testing.T) {
	eachEngine(t, func(t *testing.T, h *fixture) { //nolint:thelper // this function is the test, not a helper
		won := 0
		for range rounds(100) {
			c := h.authorize(t, h.browsers[0])
			answers := concurrently(racers, func(i int) *rig.Response {
				mine := c
				if i == racers-1 {
					mine.verifier = "a-thief-has-to-guess-the-verifier-and-cannot"
				}
				return h.exchange(t.Context(), mine)
			})
			for _, winner := range winners(t, answers) {
				won++
				for _, kind := range []string{"access_token", "refresh_token"} {
					if h.active(t, winner.Text(kind)) {
						t.Errorf("the winner's %s is active, want it to end with its grant", kind)
					}
				}
			}
			if answers[racers-1].Status != 400 {
				t.Errorf("the thief got %v", answers[racers-1])
			}
			if t.Failed() {
				return
			}
		}
		if won == 0 {
			t.Error("the thief was always first, so nothing was tried")
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
			t.Fatal("what the code gave is not active")
		}
		if again := h.Exchange(t.Context(), h.client, c.value, ""); again.Text("error") != "invalid_grant" {
			t.Errorf("the code again, without its verifier: %v", again)
		}
		if h.active(t, access) || h.active(t, refresh) {
			t.Error("what the code gave is active after it was stolen")
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

// winners returns the winners of a race, of whom there may be one at the most; every
// loser must be told invalid_grant.
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
