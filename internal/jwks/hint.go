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
	k, err := m.keys.lookup(kid)
	if err == nil && k.record.State == Hint && use != forHint {
		return nil, ErrUnknownKey
	}
	return k, err
}

// planRemovals adds to ch the end of past keys whose tokens have all expired, and of hint keys
// whose lifetime is over. The caller must hold the edit lock.
func (r *rotator) planRemovals(v *snapshot, ch *change) error {
	var hints []Record
	for _, record := range v.records {
		switch {
		case record.State == Past && r.keys.age(record) >= max(r.retention(), record.RemoveAfter.Sub(record.RetiredAt)):
			hint, err := r.hintRecord(v.keys[record.KID])
			if err != nil {
				return err
			}
			if hint == nil {
				ch.remove = append(ch.remove, record.KID)
				continue
			}
			ch.put = append(ch.put, *hint)
			hints = append(hints, *hint)
		case record.State == Hint && !r.keys.now().wall.Before(record.RemoveAfter):
			ch.remove = append(ch.remove, record.KID)
		case record.State == Hint:
			hints = append(hints, record)
		}
	}
	slices.SortFunc(hints, func(a, b Record) int { return b.RetiredAt.Compare(a.RetiredAt) })
	for i, hint := range hints {
		if i >= maxHintKeys {
			ch.put = slices.DeleteFunc(ch.put, func(p Record) bool { return p.KID == hint.KID })
			ch.remove = append(ch.remove, hint.KID)
		}
	}
	return nil
}

// hintRecord returns the record under which a past key of this server continues to verify
// hints, without its private half. It returns nil if the key is foreign or too old for that.
func (r *rotator) hintRecord(k *key) (*Record, error) {
	record := k.record
	until := record.RetiredAt.Add(r.config.HintLifetime)
	if k.signer == nil || !r.keys.now().wall.Before(until) {
		return nil, nil
	}
	var err error
	if record.Sealed, err = sealForeignKey(r.config.Keyring, ForeignKey{record.KID, record.Algorithm, k.public.Key}); err != nil {
		return nil, err
	}
	record.State, record.RemoveAfter = Hint, until
	return &record, nil
}
