package jwks

import (
	"context"
	"fmt"
	"slices"
)

// Withdrawal is the result of [Manager.Withdraw].
type Withdrawal struct {
	Withdrawn Record // the previous record, without its private half
	Successor Record // the current key of the algorithm, without its private half
	// SuccessorPublished reports whether Successor has been published for a cache lifetime,
	// so that every cached key set contains it.
	SuccessorPublished bool
}

// Withdraw immediately removes a key from the key set in any state, because its private half
// may have leaked. Tokens that it signed become invalid.
//
// If it is a current key, the next key replaces it in the same change, even if it has not
// been published for a cache lifetime: that is the exception of the package comment. Clients
// with an older cached key set fetch the new one when they see the unknown kid.
//
// It returns [ErrUnknownKey] for an unknown kid.
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

// planWithdrawal returns the change that removes a key and gives its algorithm a current and a
// next key. It sets published to false if the new current key may be missing from cached key
// sets. The caller must hold the edit lock.
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
