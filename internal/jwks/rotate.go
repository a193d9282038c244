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
	// maxWaiting is how many rotations by command may wait for their key to be
	// ready, so that a script gone wild does not grow the key set without end.
	maxPendingRotations = 8
	// maxTries is how often a command starts over when others change the key set
	// in ways that do not make it needless.
	maxAttempts = 8
)

// rotator plans and applies changes of the key set.
type rotator struct {
	config Config
	keys   *snapshots
}

// change is what to do to the key set in one step.
type change struct {
	put    []Record
	remove []string
	// fresh are keys still to be made.
	fresh []Record
}

// chain is the line of one algorithm: the key that signs, and those that will,
// in order. It is nearly always one and one.
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

// waiting is how many rotations wait for a next key to be ready.
func (c keyLine) pendingRotations() int { return max(0, len(c.next)-1) }

// rotatedSince reports whether a rotation was asked for since the line was old.
// Every rotation moves the line on or makes it longer; one that waited and then
// happens moves it on and makes it shorter.
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

// firstKeys are those of an empty store. RSA keys take long to make, and Run
// makes the next ones soon.
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

// schedule is what time asks for. The caller edits.
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
			ch.put = append(ch.put, r.promote(c)...) // after the above: the later one counts
			c.next = c.next[1:]
		}
		if len(c.next) == 0 {
			ch.publish(alg)
		}
	}
	return ch, r.planRemovals(v, &ch)
}

// rotation is what a command asks for. The caller edits.
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

// signedLongEnough reports whether the current key is to be followed. A key
// from a far future was activated while some clock was wrong: waiting for that
// future would keep it for years.
func (r *rotator) signedLongEnough(current Record) bool {
	return r.keys.now().wall.Sub(current.ActivatedAt).Abs() >= r.config.RotateEvery
}

// retention is how long a past key stays: see the package comment.
func (r *rotator) retention() time.Duration {
	return r.config.TokenLifetime + 2*r.config.CacheLifetime
}

// promote lets the next key of c sign.
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

// apply makes the keys that ch lacks, saves it, and reads what then is there,
// also after a lost race. The caller edits.
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

// makeKeys fills in records that have only an algorithm and a state.
func (r *rotator) makeKeys(fresh []Record) error {
	var group errgroup.Group
	for i, want := range fresh {
		group.Go(func() error {
			signer, err := generate(want.Algorithm)
			if err != nil {
				return fmt.Errorf("make %s key: %w", want.Algorithm, err)
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
