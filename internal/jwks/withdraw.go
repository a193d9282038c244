package jwks

import (
	"context"
	"fmt"
	"slices"
)

// Withdrawal tells what [Manager.Withdraw] did.
type Withdrawal struct {
	Withdrawn Record // as it was, without its private half
	Successor Record // the key that signs for the algorithm now, without its private half
	// Known reports whether Signs has been published for a cache lifetime, so that every
	// cached key set has it.
	SuccessorPublished bool
}

// Withdraw takes a key out of the key set at once, whatever it is in use for: its private
// half may be known to others. What it signed is not accepted any more.
//
// If it signs, the next key takes its place in the same step. Of the promises of this
// package one gives way: a next key signs even if it has not been published for a cache
// lifetime, since a key that others know must not. Clients that cached the key set before
// find it when they look for its kid.
//
// It returns [ErrUnknownKey] for a kid that is not there. Other replicas follow when they
// next read the store.
func (m *Manager) Withdraw(ctx context.Context, kid string) (Withdrawal, error) {
	var w Withdrawal
	err := m.rotator.command(ctx, func(v *snapshot) (change, error) {
		k := v.keys[kid]
		if k == nil {
			return change{}, ErrUnknownKey
		}
		w = Withdrawal{Withdrawn: k.record, SuccessorPublished: true}
		w.Withdrawn.Sealed = nil
		return m.rotator.planWithdrawal(v, k.record, &w.SuccessorPublished), nil
	})
	if err != nil {
		return Withdrawal{}, fmt.Errorf("withdraw key: %w", err)
	}
	if k := m.keys.current.Load().current[w.Withdrawn.Algorithm]; k != nil {
		w.Successor = k.record
		w.Successor.Sealed = nil
	}
	return w, nil
}

// withdrawal removes r and keeps its algorithm signing, with a next key to follow.
// known tells whether the key that signs then is in every cached key set. The caller
// edits.
func (r *rotator) planWithdrawal(v *snapshot, withdrawn Record, published *bool) change {
	ch := change{remove: []string{withdrawn.KID}}
	c := v.lineOf(withdrawn.Algorithm)
	switch withdrawn.State {
	case Current:
		*published = r.ready(c)
		if len(c.next) == 0 {
			ch.fresh = append(ch.fresh, Record{Algorithm: withdrawn.Algorithm, State: Current})
			break
		}
		ch.put = r.promote(keyLine{next: c.next})
		c.next = c.next[1:]
	case Next:
		c.next = slices.DeleteFunc(c.next, func(n Record) bool { return n.KID == withdrawn.KID })
	case Past, Hint:
		return ch
	}
	if len(c.next) == 0 {
		ch.publish(withdrawn.Algorithm)
	}
	return ch
}
