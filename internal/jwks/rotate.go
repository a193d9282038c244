package jwks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// maxPendingRotations limits the rotations by command that wait for their key to be
	// ready, so that a faulty script cannot grow the key set without bound.
	maxPendingRotations = 8
	// maxAttempts is how often a command is tried if other replicas change the key set.
	maxAttempts = 8
)

// rotator plans and applies changes of the key set.
type rotator struct {
	config Config
	keys   *snapshots
}

// change is one atomic change of the key set.
type change struct {
	put    []Record
	remove []string
	// fresh holds records whose keys must be generated.
	fresh []Record
}

// keyLine is the current key of one algorithm and its next keys in order, usually one.
type keyLine struct {
	current *Record
	next    []Record
}

func (v *snapshot) lineOf(alg Algorithm) keyLine {
	var c keyLine
	for _, r := range v.records {
		if r.Algorithm != alg {
			continue
		}
		switch r.State {
		case Current:
			c.current = &r
		case Next:
			c.next = append(c.next, r)
		case Past, Hint:
		}
	}
	return c
}

// pendingRotations returns the number of rotations that wait for a next key to be ready.
func (c keyLine) pendingRotations() int { return max(0, len(c.next)-1) }

// rotatedSince reports whether a rotation was requested after old was read. Every rotation
// either advances the line or makes it longer; a pending rotation that completes advances
// it and makes it shorter.
func (c keyLine) rotatedSince(old keyLine) bool {
	if c.current == nil {
		return c.pendingRotations() > old.pendingRotations()
	}
	line := old.next
	if old.current != nil {
		line = append([]Record{*old.current}, line...)
	}
	moved := slices.IndexFunc(line, func(r Record) bool { return r.KID == c.current.KID })
	return moved < 0 || moved+c.pendingRotations() > old.pendingRotations()
}

// firstKeys returns the keys for an empty store. It omits next RSA keys, which are slow to
// generate; Run adds them.
func (r *rotator) firstKeys() change {
	var ch change
	for _, alg := range r.config.Algorithms {
		ch.fresh = append(ch.fresh, Record{Algorithm: alg, State: Current})
		if alg != RS256 && alg != PS256 {
			ch.fresh = append(ch.fresh, Record{Algorithm: alg, State: Next})
		}
	}
	return ch
}

// planSchedule returns the change that is due now. The caller must hold the edit lock.
func (r *rotator) planSchedule(v *snapshot) (change, error) {
	var ch change
	for _, alg := range r.config.Algorithms {
		c := v.lineOf(alg)
		if c.current != nil && c.current.TokenLifetime < r.config.TokenLifetime {
			raised := *c.current
			raised.TokenLifetime = r.config.TokenLifetime
			c.current, ch.put = &raised, append(ch.put, raised)
		}
		due := c.current == nil || c.pendingRotations() > 0 || r.signedLongEnough(*c.current)
		if due && r.ready(c) {
			ch.put = append(ch.put, r.promote(c)...) // the last record of a key wins
			c.next = c.next[1:]
		}
		if len(c.next) == 0 {
			ch.publish(alg)
		}
	}
	return ch, r.planRemovals(v, &ch)
}

// planRotation returns the change for a rotation of algs by command. The caller must hold the
// edit lock.
func (r *rotator) planRotation(v *snapshot, algs []Algorithm) (change, error) {
	var ch change
	for _, alg := range algs {
		c := v.lineOf(alg)
		switch {
		case c.pendingRotations() >= maxPendingRotations:
			return change{}, fmt.Errorf("%w: %d of %s", ErrTooManyWaiting, c.pendingRotations(), alg)
		case r.ready(c):
			ch.put = append(ch.put, r.promote(c)...)
		case len(c.next) == 0:
			ch.publish(alg)
		}
		ch.publish(alg)
	}
	return ch, nil
}

// ready reports whether the next key has been published for long enough to sign.
func (r *rotator) ready(c keyLine) bool {
	return len(c.next) > 0 && r.keys.age(c.next[0]) >= r.config.CacheLifetime
}

// signedLongEnough reports whether the rotation period of the current key is over. An
// activation time in the far future comes from a wrong clock, and counts as over.
func (r *rotator) signedLongEnough(current Record) bool {
	return r.keys.now().wall.Sub(current.ActivatedAt).Abs() >= r.config.RotateEvery
}

// retention returns the time for which a past key is kept: see the package comment.
func (r *rotator) retention() time.Duration {
	return r.config.TokenLifetime + 2*r.config.CacheLifetime
}

// promote returns the records that make the next key of c the current one.
func (r *rotator) promote(c keyLine) []Record {
	now := r.keys.timestamp()
	next := c.next[0]
	next.State, next.ActivatedAt, next.TokenLifetime = Current, now, r.config.TokenLifetime
	if c.current == nil {
		return []Record{next}
	}
	past := *c.current
	past.State, past.RetiredAt = Past, now
	past.RemoveAfter = now.Add(max(past.TokenLifetime, r.config.TokenLifetime) + 2*r.config.CacheLifetime)
	return []Record{past, next}
}

func (ch *change) publish(alg Algorithm) {
	ch.fresh = append(ch.fresh, Record{Algorithm: alg, State: Next})
}

// apply generates the missing keys of ch, saves it and reloads the keys, also after a
// conflict. The caller must hold the edit lock.
func (r *rotator) apply(ctx context.Context, v *snapshot, ch change) error {
	if len(ch.put)+len(ch.remove)+len(ch.fresh) == 0 {
		return nil
	}
	if err := r.makeKeys(ch.fresh); err != nil {
		return err
	}
	put := slices.Concat(ch.put, ch.fresh)
	err := r.save(ctx, v.version, put, ch.remove)
	switch {
	case err == nil:
		r.report(ctx, put, ch.remove)
	case !errors.Is(err, ErrConflict):
		return fmt.Errorf("save keys: %w", err)
	}
	if _, reloadErr := r.keys.reload(ctx); reloadErr != nil {
		return fmt.Errorf("load keys: %w", reloadErr)
	}
	return err
}

func (r *rotator) save(ctx context.Context, version int64, put []Record, remove []string) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return r.config.Store.SaveKeys(ctx, version, put, remove)
}

// makeKeys generates the keys of records that have only an algorithm and a state.
func (r *rotator) makeKeys(fresh []Record) error {
	var group errgroup.Group
	for i, want := range fresh {
		group.Go(func() error {
			signer, err := generate(want.Algorithm)
			if err != nil {
				return fmt.Errorf("generate %s key: %w", want.Algorithm, err)
			}
			fresh[i], err = sealKey(r.config.Keyring, want.Algorithm, signer)
			fresh[i].State = want.State
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	now := r.keys.timestamp()
	for i := range fresh {
		fresh[i].PublishedAt = now
		if fresh[i].State == Current {
			fresh[i].ActivatedAt, fresh[i].TokenLifetime = now, r.config.TokenLifetime
		}
	}
	return nil
}

func (r *rotator) report(ctx context.Context, put []Record, remove []string) {
	for _, record := range put {
		r.config.Log.LogAttrs(ctx, slog.LevelInfo, "signing key changed", slog.String("kid", record.KID),
			slog.String("alg", string(record.Algorithm)), slog.String("state", string(record.State)))
	}
	for _, kid := range remove {
		r.config.Log.LogAttrs(ctx, slog.LevelInfo, "signing key removed", slog.String("kid", kid))
	}
}
