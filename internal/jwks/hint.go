package jwks

import (
	"errors"
	"fmt"
	"slices"
)

// maxHintKeys limits the number of hint keys; the oldest are removed first. With a monthly
// rotation there are only a few.
const maxHintKeys = 200

// VerifyHint verifies the signature of an ID token and returns its payload. Unlike
// [Manager.Verify] it also accepts expired tokens whose key has left the key set. The caller
// must use the claims only as a hint about the user.
//
// It returns [ErrBadToken], joined with [ErrUnknownKey] if the key is unknown, or [ErrStale]
// if the keys cannot be read now.
//
// Spec: OpenID Connect RP-Initiated Logout §2, OpenID Connect Core §3.1.2.1.
func (m *Manager) VerifyHint(token string) (payload []byte, err error) {
	payload, _, err = m.verifyFor(forHint, token, []string{"", "JWT"})
	if err != nil && !errors.Is(err, ErrStale) {
		err = fmt.Errorf("%w: %w", ErrBadToken, err)
	}
	return payload, err
}

// purpose is the use of a verified token.
type purpose int

const (
	forToken purpose = iota
	forHint
)

// lookupFor returns the key with the kid if it is valid for the purpose.
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
