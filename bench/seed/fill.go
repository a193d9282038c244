package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/session"
)

// fill inserts copies of the models. It reports the progress of grants, the last and
// largest table.
func (w *seeder) fill(ctx context.Context, p progress) error {
	if err := w.fillAccounts(ctx); err != nil {
		return err
	}
	done := 1 // the model
	p.since = time.Now()
	for week, count := range w.perWeek() {
		living, err := w.fillWeek(ctx, week, count, func(n int) { p.at(done + n) })
		if err != nil {
			return err
		}
		if err := w.fillSessions(ctx, living); err != nil {
			return err
		}
		done += count
	}
	p.at(done)
	return w.engine.vacuum(ctx)
}

// perWeek returns the number of grants of each week, the oldest first. Older weeks
// have fewer live grants.
func (w *seeder) perWeek() []int {
	counts := make([]int, weeks+1)
	shares, sum := make([]float64, len(counts)), 0.0
	for i := range shares {
		age := float64(weeks - i)
		shares[i] = 1 - weeklyLoss*age
		if i == weeks {
			shares[i] *= w.now.Sub(w.weekStart(weeks)).Hours() / (7 * day).Hours()
		}
		sum += shares[i]
	}
	left := w.grants - 1
	for i := range counts {
		counts[i] = min(left, int(shares[i]/sum*float64(w.grants)))
		left -= counts[i]
	}
	counts[weeks-1] += left // the rounding error
	return counts
}

// weekStart returns the start of the partition of a week.
func (w *seeder) weekStart(week int) time.Time {
	return grant.PartitionAt(w.now.Add(-time.Duration(weeks-week)*7*day), true).End().Add(-7 * day)
}

func (w *seeder) fillAccounts(ctx context.Context) error {
	w.subjects = make([]string, max(1, w.grants/grantsPerAccount))
	for i := range w.subjects {
		w.subjects[i] = account.NewSubject()
	}
	columns := w.engine.columns("accounts")
	accounts := func(yield func([]any) bool) {
		set := setter(columns, w.models["accounts"])
		for i, subject := range w.subjects {
			if !yield(set(map[string]any{"subject": subject, "username": fmt.Sprintf("person-%d@example.org", i)})) {
				return
			}
		}
	}
	if err := w.engine.copy(ctx, "accounts", columns, accounts); err != nil {
		return fmt.Errorf("insert accounts: %w", err)
	}
	columns = w.engine.columns("consents")
	consents := func(yield func([]any) bool) {
		set := setter(columns, w.models["consents"])
		for i, subject := range w.subjects {
			if !yield(set(map[string]any{"subject": subject, "client_id": w.clientIDs[i%clients]})) {
				return
			}
		}
	}
	if err := w.engine.copy(ctx, "consents", columns, consents); err != nil {
		return fmt.Errorf("insert consents: %w", err)
	}
	return nil
}

// sessionStart has the columns of a session that its grants share.
type sessionStart struct {
	subject, id string
	at          time.Time
}

// fillWeek inserts the grants of a week in chronological order, and returns the
// sessions that have not expired.
func (w *seeder) fillWeek(ctx context.Context, week, count int, made func(int)) (living []sessionStart, err error) {
	start := w.weekStart(week)
	step := min(7*day, w.now.Sub(start)) / time.Duration(max(1, count))
	bucket := grant.PartitionAt(start, true)
	if err := w.openPartition(ctx, bucket, start); err != nil {
		return nil, err
	}
	set := setter(w.engine.columns("grants"), w.models["grants"])
	dice := rand.New(rand.NewPCG(uint64(week), uint64(count))) //nolint:gosec // not a credential
	var n sessionStart
	grants := func(yield func([]any) bool) {
		for i := range count {
			at := start.Add(time.Duration(i) * step)
			if i%grantsPerSession == 0 {
				n = sessionStart{w.subjects[dice.IntN(len(w.subjects))], session.NewID(), at}
				if w.now.Sub(at) < rememberedIdle {
					living = append(living, n)
				}
			}
			row := w.grantColumns(bucket, at, dice)
			row["subject"], row["session_id"] = n.subject, n.id
			if !yield(set(row)) {
				return
			}
			if i%progressEvery == 0 {
				made(i)
			}
		}
	}
	if err := w.engine.copy(ctx, "grants", w.engine.columns("grants"), grants); err != nil {
		return nil, fmt.Errorf("insert grants: %w", err)
	}
	return living, nil
}

func (w *seeder) fillSessions(ctx context.Context, living []sessionStart) error {
	columns := w.engine.columns("sessions")
	sessions := func(yield func([]any) bool) {
		set := setter(columns, w.models["sessions"])
		for _, n := range living {
			at := n.at.UnixMicro()
			row := set(map[string]any{
				"id": n.id, "cookie": randomBytes(), "subject": n.subject, "auth_time": at, "created_at": at, "seen_at": at,
				"idle_until": n.at.Add(rememberedIdle).UnixMicro(), "ends_at": n.at.Add(2 * rememberedIdle).UnixMicro(),
			})
			if !yield(row) {
				return
			}
		}
	}
	if err := w.engine.copy(ctx, "sessions", columns, sessions); err != nil {
		return fmt.Errorf("insert sessions: %w", err)
	}
	return nil
}

// openPartition makes the store create a partition: it inserts an expired grant and
// deletes it.
func (w *seeder) openPartition(ctx context.Context, bucket grant.Partition, at time.Time) error {
	g := &grant.Grant{
		Locator: grant.Locator{Partition: bucket, ID: grant.NewID(at)}, Kind: grant.KindCode, ClientID: w.clientIDs[0],
		CreatedAt: at, ExpiresAt: at, EndsAt: at, Seed: randomBytes(),
	}
	if err := w.store.Grants.InsertGrant(ctx, g); err != nil {
		return err
	}
	return w.engine.remove(ctx, g.Locator)
}

// grantColumns returns the columns of a grant that differ from the model. The grant
// was issued at the given time and refreshed several times, the last time recently.
func (w *seeder) grantColumns(bucket grant.Partition, at time.Time, dice *rand.Rand) map[string]any {
	age := w.now.Sub(at)
	rotated := w.now.Add(-time.Duration(dice.Int64N(int64(min(age, refreshIdle/2)) + 1)))
	id := grant.NewID(at)
	ends := at.Add(refreshAbsolute)
	expires := rotated.Add(refreshIdle)
	if expires.After(ends) {
		expires = ends
	}
	return map[string]any{
		"bucket": int64(bucket), "id": id[:], "client_id": w.clientIDs[dice.IntN(clients)], "seed": randomBytes(),
		"created_at": at.UnixMicro(), "expires_at": expires.UnixMicro(), "ends_at": ends.UnixMicro(),
		"code_expires_at": at.Add(codeLifetime).UnixMicro(), "code_spent_at": at.Add(codeSpentAfter).UnixMicro(),
		"refresh_generation": 1 + int64(age/day), "refresh_rotated_at": rotated.UnixMicro(),
	}
}

// setter returns a function that copies the model and changes some columns.
func setter(columns []string, model []any) func(map[string]any) []any {
	return func(change map[string]any) []any {
		row := slices.Clone(model)
		for name := range maps.Keys(change) {
			row[slices.Index(columns, name)] = change[name]
		}
		return row
	}
}
