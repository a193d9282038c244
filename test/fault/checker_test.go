//go:build fault

package fault

import (
	"fmt"
	"slices"
	"time"
)

// How long the server is patient with whoever comes twice, and how long a code
// lives: what the checker must know to tell a promise broken from a promise that
// was never made.
const (
	doubleSubmitWindow = 2 * time.Second
	refreshGrace       = 10 * time.Second
	codeLifetime       = time.Minute
)

// check returns what in a history the server may not have done. It knows nothing
// but the events; one without an answer may or may not have happened.
func check(events []event) (violations []string) {
	families := map[int]*family{}
	for _, e := range events {
		if e.Result == broken {
			violations = append(violations, fmt.Sprintf("%s answered %q", e.Op, e.Detail))
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

// family is what happened to one grant.
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
			f.violate("a revocation was refused: %s", e.Detail)
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

// onlyOneExchange: invariant I1.
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

// onlyOneSuccessor: invariant I2. Within the grace window one refresh token may
// be redeemed again, for the same successor.
func (f *family) onlyOneSuccessor() {
	successors := map[string]string{}
	for _, e := range f.events {
		if e.Op != refresh || e.Result != ok {
			continue
		}
		successor := e.Issued[1]
		if before, again := successors[e.Key]; again && before != successor {
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
	f.violate("the code was refused though nobody had redeemed it: %s", refusal.Detail)
}

func (f *family) checkRefusedRefresh(refusal event) {
	if f.acknowledged(refusal) && !f.mayHaveEnded(refusal.Return) && !f.attempted(refusal, refreshGrace) {
		f.violate("refresh token %s was refused though it was good: %s", refusal.Key, refusal.Detail)
	}
}

// checkInactive: invariant I3. A refresh token that somebody tried to redeem may
// have been rotated.
func (f *family) checkInactive(said event) {
	if !f.acknowledged(said) || f.mayHaveEnded(said.Return) {
		return
	}
	for _, e := range f.events {
		if e.Op == refresh && e.Key == said.Key && e.Result != refused && e.Call < said.Return {
			return
		}
	}
	f.violate("token %s is inactive though it was acknowledged", said.Key)
}

// acknowledged reports whether the token of e had been given to somebody who had
// the answer when e began.
func (f *family) acknowledged(e event) bool {
	for _, giving := range f.events {
		if giving.Result != ok || giving.Return > e.Call {
			continue
		}
		if slices.Contains(giving.Issued, e.Key) {
			return true
		}
	}
	return false
}

// attempted reports whether somebody else presented the same as e so much earlier
// that e may be refused for it.
func (f *family) attempted(e event, patience time.Duration) bool {
	for _, other := range f.events {
		if other.Op == e.Op && other.Key == e.Key && other.Result != refused && other.Call+patience < e.Return {
			return true
		}
	}
	return false
}

// ended reports whether the grant had certainly ended at the time: invariant I4.
func (f *family) ended(at time.Duration) bool {
	for _, e := range f.events {
		if e.Op == revoke && e.Result == ok && e.Return < at {
			return true
		}
	}
	return false
}

// mayHaveEnded reports whether something could have ended the grant before the
// time: a revocation, or a code or refresh token that came again too late.
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
