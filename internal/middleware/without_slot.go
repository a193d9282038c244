package middleware

import (
	"context"

	"github.com/ostiary/ostiary/internal/admission"
)

// heldSlot is the slot of an admitted request. Only the goroutine of the request uses it.
type heldSlot struct {
	queue *admission.Queue
	slot  admission.Slot
	held  bool
	ended bool // the response has begun
}

// end releases the slot for the rest of the request.
func (s *heldSlot) end() {
	s.ended = true
	s.release()
}

func (s *heldSlot) release() {
	if s.held {
		s.held = false
		s.slot.Release()
	}
}

// WithoutSlot runs wait, which waits for another server, without the slot of the request
// of ctx. A slow server would otherwise block all slots.
//
// The request then gets the next free slot, before requests that have not begun: its work
// may be impossible to undo.
func WithoutSlot(ctx context.Context, wait func()) {
	info := infoOf(ctx)
	if info == nil || info.slot == nil || info.slot.ended || !info.slot.held {
		wait()
		return
	}
	s := info.slot
	s.release()
	wait()
	s.slot, s.held = s.queue.Resume(ctx)
}
