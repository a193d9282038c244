package refusal

import (
	"cmp"
	"context"
)

// Key is the context key under which the edge keeps what implements [Holder].
type Key struct{}

// Holder is what the edge puts into the context of a request.
type Holder interface{ Refusal() *Slot }

// Slot is where handlers leave why they reject a request, for the edge. It belongs to
// one request and must not be used by two goroutines at once.
type Slot struct {
	noted    bool
	note     Rejection
	clientID string
}

// Rejection is a rejected request as its handler describes it.
type Rejection struct {
	// Message is the log message, a fixed text. Empty is "request refused".
	Message string
	// Status is the HTTP status that says how the request ended. It may differ from the
	// status of the response: a redirect to the client is a 303, its error is a 400.
	Status int
	// Code is the error code that the response names, if it has one.
	Code string
	// Rule and Words explain the rejection where Err carries no [Cause]. The words are a
	// fixed text.
	Rule  Rule
	Words string
	// Err is the error, which may carry a [Cause].
	Err error
	// ClientID is a registered client, if it is known. Empty is the one of [Concerns].
	ClientID string
	// Flood marks rejections that come in floods: the [Recorder] drops them first.
	Flood bool
	// Quiet lowers the log line to DEBUG, where one line tells of many.
	Quiet bool
	// Unrecorded keeps the rejection out of the database and the metrics: it is part of
	// a protocol that works, such as a device that polls.
	Unrecorded bool
	// Answered says that the request succeeded, and that the record explains what its
	// response lacks, such as a scope. It is recorded and not counted.
	Answered bool
	// Attrs are added to those of the cause.
	Attrs []Attr
}

// Note leaves a rejection for the edge, which logs and records it when the handler has
// answered. The first note of a request stands, except that a rejection replaces what was
// noted of a request that seemed to succeed.
func Note(ctx context.Context, r Rejection) {
	slot := slotOf(ctx)
	if slot == nil || slot.noted && (r.Answered || !slot.note.Answered) {
		return
	}
	slot.noted, slot.note = true, r
}

// Concerns notes which registered client a request is from, for whatever is noted of
// it later.
func Concerns(ctx context.Context, clientID string) {
	if slot := slotOf(ctx); slot != nil {
		slot.clientID = clientID
	}
}

// Noted returns the rejection that was noted, if there is one.
func (s *Slot) Noted() (Rejection, bool) {
	r := s.note
	r.ClientID = cmp.Or(r.ClientID, s.clientID)
	return r, s.noted
}

func slotOf(ctx context.Context) *Slot {
	if holder, ok := ctx.Value(Key{}).(Holder); ok {
		return holder.Refusal()
	}
	return nil
}
