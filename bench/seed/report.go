package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
)

// report writes the sizes of tables and indexes, in total and per grant.
func (w *seeder) report(ctx context.Context, out io.Writer, when string) error {
	parts, err := w.engine.sizes(ctx)
	if err != nil {
		return err
	}
	var ofGrants, ofAll int64
	printf(out, "\n%d live grants, %s\n\n| table or index | bytes | per grant |\n|---|---|---|\n", w.grants, when)
	for _, p := range parts {
		ofAll += p.bytes
		if strings.Contains(p.name, "grants") {
			ofGrants += p.bytes
		}
		if each := float64(p.bytes) / float64(w.grants); each >= 1 {
			printf(out, "| %s | %d | %.0f |\n", p.name, p.bytes, each)
		}
	}
	printf(out, "| **grants, with indexes** | %d | **%.0f** |\n| everything | %d | %.0f |\n",
		ofGrants, float64(ofGrants)/float64(w.grants), ofAll, float64(ofAll)/float64(w.grants))
	return nil
}

// refresh refreshes a sample of adjacent grants through the store, in rounds of
// random order.
func (w *seeder) refresh(ctx context.Context, sample, times int, out io.Writer) error {
	list, err := w.engine.sampleGrants(ctx, sample)
	if err != nil {
		return err
	}
	for range times {
		rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] }) //nolint:gosec // not a credential
		for i := range list {
			h := &list[i]
			now := time.Now()
			_, err := w.store.Grants.RotateRefresh(ctx, grant.RefreshRotation{
				Ref: h.ref, ClientID: h.clientID, Generation: h.generation, ExpiresAt: now.Add(refreshIdle), Now: now,
			})
			if err != nil {
				return fmt.Errorf("refresh %s: %w", h.ref.ID, err)
			}
			h.generation++
		}
	}
	time.Sleep(time.Second) // statistics are delayed
	updates, hot, err := w.engine.hotUpdates(ctx)
	if err == nil && updates > 0 {
		printf(out, "\n%d of %d updates stayed in their page\n", hot, updates)
	}
	return err
}
