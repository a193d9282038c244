package jwks

import (
	"context"
	"fmt"
	"slices"
)

// Withdrawal tells what [Manager.Withdraw] did.
type Withdrawal struct {
	Withdrawn Record // as it was, without its private half
	Signs     Record // the key that signs for the algorithm now, without its private half
	// Known reports whether Signs has been published for a cache lifetime, so that every
	// cached key set has it.
	Known bool
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
	err := m.command(ctx, func(v *view) (change, error) {
		k := v.keys[kid]
		if k == nil {
			return change{}, ErrUnknownKey
		}
		w = Withdrawal{Withdrawn: k.record, Known: true}
		w.Withdrawn.Sealed = nil
		return m.withdrawal(v, k.record, &w.Known), nil
	})
	if err != nil {
		return Withdrawal{}, fmt.Errorf("withdraw key: %w", err)
	}
	if k := m.view.Load().current[w.Withdrawn.Algorithm]; k != nil {
		w.Signs = k.record
		w.Signs.Sealed = nil
	}
	return w, nil
}

// withdrawal removes r and keeps its algorithm signing, with a next key to follow.
// known tells whether the key that signs then is in every cached key set. The caller
// edits.
func (m *Manager) withdrawal(v *view, r Record, known *bool) change {
	ch := change{remove: []string{r.KID}}
	c := v.chain(r.Algorithm)
	switch r.State {
	case Current:
		*known = m.ready(c)
		if len(c.next) == 0 {
			ch.fresh = append(ch.fresh, Record{Algorithm: r.Algorithm, State: Current})
			break
		}
		ch.put = m.promote(chain{next: c.next})
		c.next = c.next[1:]
	case Next:
		c.next = slices.DeleteFunc(c.next, func(n Record) bool { return n.KID == r.KID })
	case Past, Hint:
		return ch
	}
	if len(c.next) == 0 {
		ch.publish(r.Algorithm)
	}
	return ch
}
