package jwks

import (
	"errors"
	"fmt"
	"slices"
)

// maxHintKeys bounds the keys that verify hints alone. Rotation every month keeps a few;
// the oldest go first.
const maxHintKeys = 200

// VerifyHint returns the payload of an ID token that one of our keys signed, which may be
// long expired: unlike [Manager.Verify] it also accepts keys that have left the key set. The
// caller must use the claims only as a hint about who is meant.
//
// Its error is [ErrBadToken], together with [ErrUnknownKey] where the key is not known (any
// more), or [ErrStale] when the answer cannot be known now.
//
// Spec: OpenID Connect RP-Initiated Logout §2, OpenID Connect Core §3.1.2.1.
func (m *Manager) VerifyHint(token string) (payload []byte, err error) {
	payload, _, err = m.verifyFor(forHint, token, []string{"", "JWT"})
	if err != nil && !errors.Is(err, ErrStale) {
		err = fmt.Errorf("%w: %w", ErrBadToken, err)
	}
	return payload, err
}

// purpose says what a signature is verified for.
type purpose int

const (
	forToken purpose = iota
	forHint
)

// lookupFor finds the key of a kid if it serves the purpose.
func (m *Manager) lookupFor(use purpose, kid string) (*key, error) {
	k, err := m.lookup(kid)
	if err == nil && k.record.State == Hint && use != forHint {
		return nil, ErrUnknownKey
	}
	return k, err
}

// scheduleEnds removes past keys whose tokens have all ended from the key set, and hint
// keys whose time is over. The caller edits.
func (m *Manager) scheduleEnds(v *view, ch *change) error {
	var hints []Record
	for _, r := range v.records {
		switch {
		case r.State == Past && m.age(r) >= max(m.retention(), r.RemoveAfter.Sub(r.RetiredAt)):
			kept, err := m.hintOf(v.keys[r.KID])
			if err != nil {
				return err
			}
			if kept == nil {
				ch.remove = append(ch.remove, r.KID)
				continue
			}
			ch.put = append(ch.put, *kept)
			hints = append(hints, *kept)
		case r.State == Hint && !m.now().wall.Before(r.RemoveAfter):
			ch.remove = append(ch.remove, r.KID)
		case r.State == Hint:
			hints = append(hints, r)
		}
	}
	slices.SortFunc(hints, func(a, b Record) int { return b.RetiredAt.Compare(a.RetiredAt) })
	for i, r := range hints {
		if i >= maxHintKeys {
			ch.put = slices.DeleteFunc(ch.put, func(p Record) bool { return p.KID == r.KID })
			ch.remove = append(ch.remove, r.KID)
		}
	}
	return nil
}

// hintOf returns the record of a past key of ours as it goes on verifying hints, or nil if
// that time is over. The private half is not kept.
func (m *Manager) hintOf(k *key) (*Record, error) {
	r := k.record
	until := r.RetiredAt.Add(m.config.HintLifetime)
	if k.signer == nil || !m.now().wall.Before(until) {
		return nil, nil
	}
	var err error
	if r.Sealed, err = sealRemembered(m.config.Keyring, ForeignKey{r.KID, r.Algorithm, k.public.Key}); err != nil {
		return nil, err
	}
	r.State, r.RemoveAfter = Hint, until
	return &r, nil
}
