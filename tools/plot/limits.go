package main

import (
	"math"
	"strings"
)

// step is a limit with the number of times that an operation of a flow needs it.
type step struct {
	limit string
	times float64
}

// steps returns the minimum of measured limits that an operation of a flow needs.
func steps(flow, variant string) []step {
	const response, read = "HTTP hello", "SELECT by primary key"
	write := step{"INSERT of a row, coalesced", 1} // the highest rate of durable writes
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
		// A custom login app signs users in: three requests of the browser, two of the
		// app, one of the client.
		return []step{{response, 6}, {write.limit, 2}, sign(2)}
	}
	switch flow {
	case "discovery", "jwks", "client-credentials-opaque":
		return []step{{response, 1}}
	case "client-credentials":
		return []step{{response, 1}, sign(1)}
	case "private-key-jwt":
		return []step{{response, 1}, write, {"verify ES256", 1}, sign(1)}
	case "private-key-jwt-opaque":
		return []step{{response, 1}, write, {"verify ES256", 1}}
	case "code-exchange", "refresh":
		return []step{{response, 1}, write, sign(2)}
	case "code-session":
		return []step{{response, 2}, {write.limit, 2}, sign(2)}
	case "code-sign-in":
		return []step{{response, 6}, {"argon2id 19 MiB, t=2", 1}}
	case "userinfo", "introspection":
		return []step{{response, 1}, {read, 1}}
	case "revocation", "revocation-refresh":
		return []step{{response, 1}, write}
	}
	return nil
}

// limitOf returns the maximum rate of a flow on the machine, in operations per
// second: the rate of its slowest step. It is 0 if a step was not measured, and for
// SQLite, since the limits of the database are those of PostgreSQL.
func (d *data) limitOf(flow, variant string, callers int) float64 {
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

// rate returns the rate of a limit with the given number of callers, or with the
// next smaller number: processor-bound limits have one caller per core.
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
