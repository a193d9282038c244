package refusal

import (
	"cmp"
	"context"
)

// Key is the context key of the [Holder].
type Key struct{}

// Holder is the context value that the middleware adds to each request.
type Holder interface{ Refusal() *Slot }

// Slot stores the rejection of one request, from the handler for the middleware. It must not
// be used concurrently.
type Slot struct {
	noted    bool
	note     Rejection
	clientID string
}

// Rejection is a rejected request as its handler describes it.
type Rejection struct {
	// Message is the log message, a constant. Empty is "request refused".
	Message string
	// Status is the HTTP status of the error. It may differ from the status of the response:
	// a redirect to the client is a 303, its error is a 400.
	Status int
	// Code is the error code of the response, or empty.
	Code string
	// Rule and Text explain the rejection if Err has no [Cause]. The text is constant.
	Rule Rule
	Text string
	// Err is the error, which may wrap a [Cause].
	Err error
	// ClientID is a registered client. Empty is the client of [SetClient].
	ClientID string
	// Flood marks rejections that occur in large numbers: the [Recorder] drops them first.
	Flood bool
	// Quiet lowers the log line to DEBUG, if another line summarises many rejections.
	Quiet bool
	// Unrecorded keeps the rejection out of the database and the metrics: it is a normal
	// step of a protocol, such as a device that polls.
	Unrecorded bool
	// Succeeded marks a successful request whose response lacks something, such as a scope,
	// which the record explains. It is recorded and not counted.
	Succeeded bool
	// Attrs are added to those of the cause.
	Attrs []Attr
}

// Note stores a rejection for the middleware, which logs and records it after the handler. The
// first rejection of a request is kept, except that a rejection replaces one with Succeeded.
func Note(ctx context.Context, r Rejection) {
	slot := slotOf(ctx)
	if slot == nil || slot.noted && (r.Succeeded || !slot.note.Succeeded) {
		return
	}
	slot.noted, slot.note = true, r
}

// SetClient sets the registered client of a request, for later calls of [Note].
func SetClient(ctx context.Context, clientID string) {
	if slot := slotOf(ctx); slot != nil {
		slot.clientID = clientID
	}
}

// Noted returns the stored rejection, and whether one was stored.
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
