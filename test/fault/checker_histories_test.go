//go:build fault

package fault

import (
	"strings"
	"testing"
	"time"
)

// at returns an event that starts at call milliseconds and lasts one millisecond.
func at(call int, op operation, key string, r result, issued ...string) event {
	start := time.Duration(call) * time.Millisecond
	return event{Op: op, Key: key, Result: r, Issued: issued, Call: start, Return: start + time.Millisecond, Detail: string(r)}
}

func TestChecker(t *testing.T) {
	t.Parallel()

	code := at(0, authorize, "", ok, "C")
	won := at(10, exchange, "C", ok, "A1", "R1")
	rotated := at(20, refresh, "R1", ok, "A2", "R2")
	revoked := at(30, revoke, "R2", ok)
	for name, tc := range map[string]struct {
		events []event
		want   string // part of the violation, empty if none is expected
	}{
		"an ordinary grant": {[]event{
			code, won, at(15, introspect, "A1", ok), rotated, at(25, introspect, "A2", ok), at(26, introspect, "R1", refused),
			revoked, at(40, introspect, "A2", refused), at(41, introspect, "R2", refused), at(42, refresh, "R2", refused),
		}, ""},
		"a code redeemed twice": {[]event{code, won, at(11, exchange, "C", ok, "A9", "R9")}, "redeemed 2 times"},
		"a code redeemed twice across a crash": {[]event{
			code, won, at(50, fault, "", ok), at(99, exchange, "C", ok, "A9", "R9"),
		}, "redeemed 2 times"},
		"a double submit":                                  {[]event{code, won, at(10, exchange, "C", refused), at(15, introspect, "A1", ok)}, ""},
		"an unredeemed code rejected":                      {[]event{code, at(10, exchange, "C", refused)}, "had not been redeemed"},
		"a code rejected after a request without response": {[]event{code, at(10, exchange, "C", unknown), at(20, exchange, "C", refused)}, ""},
		"a code rejected before a later attempt":           {[]event{code, at(10, exchange, "C", refused), at(20, exchange, "C", unknown)}, "had not been redeemed"},
		"an expired code rejected":                         {[]event{code, at(60_000, exchange, "C", refused)}, ""},
		"a double submit that revoked the grant":           {[]event{code, won, at(500, exchange, "C", refused), at(600, introspect, "A1", refused)}, "A1 is inactive"},
		"a late replay of a code":                          {[]event{code, won, at(5000, exchange, "C", refused), at(5100, introspect, "A1", refused)}, ""},
		"two successors":                                   {[]event{code, won, rotated, at(21, refresh, "R1", ok, "A3", "R3")}, "two successors"},
		"the same successor again":                         {[]event{code, won, rotated, at(21, refresh, "R1", ok, "A3", "R2")}, ""},
		"a refresh token that is its own successor":        {[]event{code, won, at(20, refresh, "R1", ok, "A2", "R1")}, "not rotated"},
		"a valid refresh token rejected":                   {[]event{code, won, at(20, refresh, "R1", refused)}, "rejected though it was valid"},
		"a retry rejected within the grace window":         {[]event{code, won, at(20, refresh, "R1", unknown), at(900, refresh, "R1", refused)}, "rejected though it was valid"},
		"a retry rejected after the grace window":          {[]event{code, won, at(20, refresh, "R1", unknown), at(10_900, refresh, "R1", refused)}, ""},
		"an acknowledged access token lost":                {[]event{code, won, at(50, fault, "", ok), at(60, introspect, "A1", refused)}, "A1 is inactive"},
		"an acknowledged refresh token lost":               {[]event{code, won, rotated, at(60, introspect, "R2", refused)}, "R2 is inactive"},
		"an access token lost by its own rotation":         {[]event{code, won, rotated, at(60, introspect, "A1", refused)}, "A1 is inactive"},
		"a refresh token rotated without response":         {[]event{code, won, at(20, refresh, "R1", unknown), at(60, introspect, "R1", refused)}, ""},
		"a token that was not issued":                      {[]event{code, won, at(60, introspect, "A7", refused)}, ""},
		"a token introspected before it was issued":        {[]event{code, won, at(5, introspect, "A1", refused)}, ""},
		"no response to introspection":                     {[]event{code, won, at(60, introspect, "A1", unknown)}, ""},
		"active after revocation":                          {[]event{code, won, rotated, revoked, at(40, introspect, "A1", ok)}, "after an acknowledged revocation"},
		"active after revocation and a crash": {[]event{
			code, won, rotated, revoked, at(50, fault, "", ok), at(90, introspect, "R2", ok),
		}, "after an acknowledged revocation"},
		"refreshed after revocation":         {[]event{code, won, rotated, revoked, at(40, refresh, "R2", ok, "A3", "R3")}, "after an acknowledged revocation"},
		"revocation without response":        {[]event{code, won, at(30, revoke, "R1", unknown), at(40, introspect, "A1", ok), at(50, introspect, "A1", refused)}, ""},
		"active during revocation":           {[]event{code, won, rotated, revoked, {Op: introspect, Key: "A2", Result: ok, Call: 29 * time.Millisecond, Return: time.Second}}, ""},
		"a revocation rejected":              {[]event{code, won, at(30, revoke, "R1", refused)}, "revocation was rejected"},
		"an unexpected response":             {[]event{code, at(10, exchange, "C", broken)}, "unexpected response"},
		"another grant's revocation":         {[]event{code, won, {Op: revoke, Family: 1, Result: ok}, at(60, introspect, "A1", refused)}, "A1 is inactive"},
		"a rejected retry is not an attempt": {[]event{code, won, at(20, refresh, "R1", refused), at(15_000, refresh, "R1", refused)}, "rejected though it was valid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			got := strings.Join(check(tc.events), "\n")
			if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
				t.Errorf("check found %q, want %q", got, tc.want)
			}
		})
	}
}
