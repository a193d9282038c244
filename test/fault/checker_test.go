//go:build fault

package fault

import (
	"fmt"
	"slices"
	"time"
)

// Time limits of the server, which the checker needs to tell a violation from allowed
// behaviour.
const (
	doubleSubmitWindow = time.Second
	refreshGrace       = 10 * time.Second
	codeLifetime       = time.Minute
)

// check returns the violations of the server's guarantees in a history. An operation
// without a response may or may not have taken effect.
func check(events []event) (violations []string) {
	families := map[int]*family{}
	for _, e := range events {
		if e.Result == broken {
			violations = append(violations, fmt.Sprintf("unexpected response to %s: %q", e.Op, e.Detail))
		}
		if e.Op == fault {
			continue
		}
		if families[e.Family] == nil {
			families[e.Family] = &family{}
		}
		families[e.Family].events = append(families[e.Family].events, e)
	}
	for id, f := range families {
		f.check()
		for _, v := range f.violations {
			violations = append(violations, fmt.Sprintf("grant %d: %s", id, v))
		}
	}
	return violations
}

// family has the events of one grant.
type family struct {
	events     []event
	violations []string
}

func (f *family) check() {
	f.onlyOneExchange()
	f.onlyOneSuccessor()
	for _, e := range f.events {
		switch {
		case e.Op == revoke && e.Result == refused:
			f.violate("a revocation was rejected: %s", e.Detail)
		case e.Result == ok && e.Op != authorize && e.Op != revoke && f.ended(e.Call):
			f.violate("%s of %s succeeded after an acknowledged revocation", e.Op, e.Key)
		case e.Result == refused && e.Op == exchange:
			f.checkRefusedExchange(e)
		case e.Result == refused && e.Op == refresh:
			f.checkRefusedRefresh(e)
		case e.Result == refused && e.Op == introspect:
			f.checkInactive(e)
		}
	}
}

func (f *family) violate(format string, args ...any) {
	f.violations = append(f.violations, fmt.Sprintf(format, args...))
}

// onlyOneExchange checks invariant I1.
func (f *family) onlyOneExchange() {
	won := 0
	for _, e := range f.events {
		if e.Op == exchange && e.Result == ok {
			won++
		}
	}
	if won > 1 {
		f.violate("the code was redeemed %d times", won)
	}
}

// onlyOneSuccessor checks invariant I2. Within the grace window a refresh token may be
// redeemed again, for the same successor.
func (f *family) onlyOneSuccessor() {
	successors := map[string]string{}
	for _, e := range f.events {
		if e.Op != refresh || e.Result != ok {
			continue
		}
		successor := e.Issued[1]
		if before, found := successors[e.Key]; found && before != successor {
			f.violate("refresh token %s has two successors", e.Key)
		}
		if successor == e.Key {
			f.violate("refresh token %s was not rotated", e.Key)
		}
		successors[e.Key] = successor
	}
}

func (f *family) checkRefusedExchange(refusal event) {
	if f.mayHaveEnded(refusal.Return) || f.attempted(refusal, 0) {
		return
	}
	for _, e := range f.events {
		if e.Op == authorize && refusal.Return-e.Call >= codeLifetime {
			return
		}
	}
	f.violate("the code was rejected though it had not been redeemed: %s", refusal.Detail)
}

func (f *family) checkRefusedRefresh(refusal event) {
	if f.acknowledged(refusal) && !f.mayHaveEnded(refusal.Return) && !f.attempted(refusal, refreshGrace) {
		f.violate("refresh token %s was rejected though it was valid: %s", refusal.Key, refusal.Detail)
	}
}

// checkInactive checks invariant I3. A refresh token may have been rotated by an attempt
// to redeem it.
func (f *family) checkInactive(introspection event) {
	if !f.acknowledged(introspection) || f.mayHaveEnded(introspection.Return) {
		return
	}
	for _, e := range f.events {
		if e.Op == refresh && e.Key == introspection.Key && e.Result != refused && e.Call < introspection.Return {
			return
		}
	}
	f.violate("token %s is inactive though it was acknowledged", introspection.Key)
}

// acknowledged reports whether a client had received the token of e when e started.
func (f *family) acknowledged(e event) bool {
	for _, issuing := range f.events {
		if issuing.Result != ok || issuing.Return > e.Call {
			continue
		}
		if slices.Contains(issuing.Issued, e.Key) {
			return true
		}
	}
	return false
}

// attempted reports whether the key of e was presented before, more than delay earlier,
// so that e may be rejected.
func (f *family) attempted(e event, delay time.Duration) bool {
	for _, other := range f.events {
		if other.Op == e.Op && other.Key == e.Key && other.Result != refused && other.Call+delay < e.Return {
			return true
		}
	}
	return false
}

// ended reports whether the grant must be revoked at the time: invariant I4.
func (f *family) ended(at time.Duration) bool {
	for _, e := range f.events {
		if e.Op == revoke && e.Result == ok && e.Return < at {
			return true
		}
	}
	return false
}

// mayHaveEnded reports whether the grant may be revoked before the time: by a revocation,
// or by a late replay of a code or refresh token.
func (f *family) mayHaveEnded(at time.Duration) bool {
	for _, e := range f.events {
		if e.Call >= at {
			continue
		}
		switch e.Op {
		case revoke:
			return true
		case exchange:
			if f.attempted(e, doubleSubmitWindow) {
				return true
			}
		case refresh:
			if f.attempted(e, refreshGrace) {
				return true
			}
		case authorize, introspect, fault:
		}
	}
	return false
}
