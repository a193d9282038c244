//go:build fault

package fault

import (
	"strings"
	"testing"
	"time"
)

// at makes an event that lasted a millisecond, on a clock of milliseconds.
func at(call int, op operation, key string, r result, gave ...string) event {
	start := time.Duration(call) * time.Millisecond
	return event{Op: op, Key: key, Result: r, Issued: gave, Call: start, Return: start + time.Millisecond, Detail: string(r)}
}

func TestChecker(t *testing.T) {
	t.Parallel()

	code := at(0, authorize, "", ok, "C")
	won := at(10, exchange, "C", ok, "A1", "R1")
	rotated := at(20, refresh, "R1", ok, "A2", "R2")
	revoked := at(30, revoke, "R2", ok)
	for name, tc := range map[string]struct {
		events []event
		want   string // part of the violation, empty for none
	}{
		"an ordinary life": {[]event{
			code, won, at(15, introspect, "A1", ok), rotated, at(25, introspect, "A2", ok), at(26, introspect, "R1", refused),
			revoked, at(40, introspect, "A2", refused), at(41, introspect, "R2", refused), at(42, refresh, "R2", refused),
		}, ""},
		"a code redeemed twice": {[]event{code, won, at(11, exchange, "C", ok, "A9", "R9")}, "redeemed 2 times"},
		"a code redeemed twice across a crash": {[]event{
			code, won, at(50, fault, "", ok), at(99, exchange, "C", ok, "A9", "R9"),
		}, "redeemed 2 times"},
		"a double submit":                          {[]event{code, won, at(10, exchange, "C", refused), at(15, introspect, "A1", ok)}, ""},
		"a code refused that nobody had redeemed":  {[]event{code, at(10, exchange, "C", refused)}, "nobody had redeemed"},
		"a code refused after a try in the dark":   {[]event{code, at(10, exchange, "C", unknown), at(20, exchange, "C", refused)}, ""},
		"a code refused before a later try":        {[]event{code, at(10, exchange, "C", refused), at(20, exchange, "C", unknown)}, "nobody had redeemed"},
		"an old code refused":                      {[]event{code, at(60_000, exchange, "C", refused)}, ""},
		"a double submit that ended the grant":     {[]event{code, won, at(500, exchange, "C", refused), at(600, introspect, "A1", refused)}, "A1 is inactive"},
		"a code that came again late":              {[]event{code, won, at(5000, exchange, "C", refused), at(5100, introspect, "A1", refused)}, ""},
		"two successors":                           {[]event{code, won, rotated, at(21, refresh, "R1", ok, "A3", "R3")}, "two successors"},
		"the same successor again":                 {[]event{code, won, rotated, at(21, refresh, "R1", ok, "A3", "R2")}, ""},
		"a refresh token that is its own heir":     {[]event{code, won, at(20, refresh, "R1", ok, "A2", "R1")}, "not rotated"},
		"a good refresh token refused":             {[]event{code, won, at(20, refresh, "R1", refused)}, "refused though it was good"},
		"a retry refused within the grace window":  {[]event{code, won, at(20, refresh, "R1", unknown), at(900, refresh, "R1", refused)}, "refused though it was good"},
		"a retry refused after the grace window":   {[]event{code, won, at(20, refresh, "R1", unknown), at(10_900, refresh, "R1", refused)}, ""},
		"an acknowledged access token lost":        {[]event{code, won, at(50, fault, "", ok), at(60, introspect, "A1", refused)}, "A1 is inactive"},
		"an acknowledged refresh token lost":       {[]event{code, won, rotated, at(60, introspect, "R2", refused)}, "R2 is inactive"},
		"an access token lost by its own rotation": {[]event{code, won, rotated, at(60, introspect, "A1", refused)}, "A1 is inactive"},
		"a refresh token rotated in the dark":      {[]event{code, won, at(20, refresh, "R1", unknown), at(60, introspect, "R1", refused)}, ""},
		"a token nobody was given":                 {[]event{code, won, at(60, introspect, "A7", refused)}, ""},
		"a token asked about before it was given":  {[]event{code, won, at(5, introspect, "A1", refused)}, ""},
		"no answer about a token":                  {[]event{code, won, at(60, introspect, "A1", unknown)}, ""},
		"revoked and yet active":                   {[]event{code, won, rotated, revoked, at(40, introspect, "A1", ok)}, "after an acknowledged revocation"},
		"revoked, a crash, and active again": {[]event{
			code, won, rotated, revoked, at(50, fault, "", ok), at(90, introspect, "R2", ok),
		}, "after an acknowledged revocation"},
		"revoked and yet refreshed":            {[]event{code, won, rotated, revoked, at(40, refresh, "R2", ok, "A3", "R3")}, "after an acknowledged revocation"},
		"revoked in the dark, either way":      {[]event{code, won, at(30, revoke, "R1", unknown), at(40, introspect, "A1", ok), at(50, introspect, "A1", refused)}, ""},
		"active while it was being revoked":    {[]event{code, won, rotated, revoked, {Op: introspect, Key: "A2", Result: ok, Call: 29 * time.Millisecond, Return: time.Second}}, ""},
		"a revocation refused":                 {[]event{code, won, at(30, revoke, "R1", refused)}, "revocation was refused"},
		"an answer that nobody may get":        {[]event{code, at(10, exchange, "C", broken)}, "broken"},
		"another grant's revocation":           {[]event{code, won, {Op: revoke, Family: 1, Result: ok}, at(60, introspect, "A1", refused)}, "A1 is inactive"},
		"a refused retry is no attempt itself": {[]event{code, won, at(20, refresh, "R1", refused), at(15_000, refresh, "R1", refused)}, "refused though it was good"},
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
