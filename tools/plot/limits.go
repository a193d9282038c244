package main

import (
	"math"
	"strings"
)

// step is something that every operation of a flow needs at least so often.
type step struct {
	limit string
	times float64
}

// steps names what a flow cannot do without, each as a machine that did nothing
// else was measured to do it.
func steps(flow, variant string) []step {
	const answer, read = "HTTP hello", "SELECT by primary key"
	write := step{"INSERT of a row, coalesced", 1} // the most that becomes durable, one way or another
	sign := func(times float64) step {
		if variant == "RS256" || variant == "PS256" {
			return step{"sign RS256-2048", times}
		}
		if variant == "EdDSA" {
			return step{"sign EdDSA", times}
		}
		return step{"sign ES256", times}
	}
	if strings.Contains(variant, "app") && strings.HasPrefix(flow, "code-") && flow != "code-exchange" {
		// The operator's own app signs people in: three requests of theirs, two of the
		// app, one of the client.
		return []step{{answer, 6}, {write.limit, 2}, sign(2)}
	}
	switch flow {
	case "discovery", "jwks", "client-credentials-opaque":
		return []step{{answer, 1}}
	case "client-credentials":
		return []step{{answer, 1}, sign(1)}
	case "private-key-jwt":
		return []step{{answer, 1}, write, {"verify ES256", 1}, sign(1)}
	case "private-key-jwt-opaque":
		return []step{{answer, 1}, write, {"verify ES256", 1}}
	case "code-exchange", "refresh":
		return []step{{answer, 1}, write, sign(2)}
	case "code-session":
		return []step{{answer, 2}, {write.limit, 2}, sign(2)}
	case "code-sign-in":
		return []step{{answer, 6}, {"argon2id 19 MiB, t=2", 1}}
	case "userinfo", "introspection":
		return []step{{answer, 1}, {read, 1}}
	case "revocation", "revocation-refresh":
		return []step{{answer, 1}, write}
	}
	return nil
}

// most is how many operations of a flow the machine allows in a second: what its
// scarcest step alone allows. It is 0 where a step was not measured; the limits of
// databases are those of PostgreSQL.
func (d *data) most(flow, variant string, callers int) float64 {
	if strings.Contains(variant, "SQLite") {
		return 0
	}
	least := math.Inf(1)
	for _, s := range steps(flow, variant) {
		rate := d.rate(s.limit, callers)
		if s.limit == "INSERT of a row, coalesced" {
			rate = max(rate, d.rate("INSERT of a row", callers))
		}
		least = min(least, rate/s.times)
	}
	if math.IsInf(least, 1) {
		return 0
	}
	return least
}

// rate is that of a limit with so many callers, or with the most below that: what
// the processor alone does has one for each core.
func (d *data) rate(name string, callers int) float64 {
	var rate float64
	nearest := 0
	for _, l := range d.limits {
		if l.Name == name && l.Callers <= callers && l.Callers >= nearest {
			nearest, rate = l.Callers, l.PerSecond
		}
	}
	return rate
}
