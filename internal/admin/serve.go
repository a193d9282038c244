package admin

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/manage"
)

// Audit stores and lists audit events.
type Audit interface {
	manage.AuditLog
	ListEvents(ctx context.Context, f audit.Filter, before string, limit int) ([]*audit.Event, error)
}

// actorKey is where [Handler.Allow] leaves who calls.
type actorKey struct{}

// Serve answers an operation. What comes to it has passed Allow.
func (h *Handler) Serve(o *Operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		by, _ := r.Context().Value(actorKey{}).(audit.Actor)
		call := &Call{Request: r, By: by, Target: o.target(r), head: w.Header()}
		reply, err := h.do(call, o) //nolint:contextcheck // the call carries the context
		if err != nil {
			h.refuse(w, r, err)
			return
		}
		if reply.Body == nil {
			w.Header().Set("Cache-Control", "no-store")
			w.WriteHeader(reply.Status)
			return
		}
		httpapi.JSON(w, reply.Status, reply.Body)
	}
}

// do makes the call. Of a change there is an event before it is made, or it is not made.
func (h *Handler) do(call *Call, o *Operation) (*Reply, error) {
	if !o.changes() {
		return o.Do(call)
	}
	event := h.event(call.Request, o.Action, call.Target, call.By)
	var reply *Reply
	audited := manage.Audited{
		Log: h.Audit,
		Outcome: func(err error) (audit.Outcome, int) {
			status := 0
			if err != nil {
				status = h.errors.Of(err).Status
			} else {
				status = reply.Status
			}
			return audit.OutcomeOf(status), status
		},
		Unrecorded: func(ctx context.Context, e *audit.Event, err error) {
			h.Log.LogAttrs(ctx, slog.LevelError, "audit event without outcome", slog.String("event", e.ID), slog.Any("error", err))
		},
	}
	err := audited.Change(call.Context(), []*audit.Event{event}, func(context.Context) (err error) {
		reply, err = o.Do(call)
		event.Target = audit.Truncate(call.Target)
		return err
	})
	return reply, err
}

func (h *Handler) event(r *http.Request, action, target string, by audit.Actor) *audit.Event {
	event := audit.NewEvent(action, target, by, h.Now())
	event.RequestID = h.RequestID(r.Context())
	if address := h.Address(r.Context()); address.IsValid() {
		event.Address = address.String()
	}
	return event
}

// denied keeps that somebody was not allowed a change.
func (h *Handler) denied(r *http.Request, o *Operation, by audit.Actor) error {
	event := h.event(r, o.Action, o.target(r), by)
	event.Status, event.Outcome = http.StatusForbidden, audit.Refused
	return h.Audit.BeginEvent(r.Context(), event)
}

// target is what a call is about: the variables of the path, or else what the query
// chooses by.
func (o *Operation) target(r *http.Request) string {
	var parts []string
	for name := range strings.SplitSeq(o.Path, "/") {
		if strings.HasPrefix(name, "{") {
			parts = append(parts, variable(r, strings.Trim(name, "{}")))
		}
	}
	if len(parts) > 0 {
		return strings.Join(parts, "/")
	}
	asked := r.URL.Query()
	for _, p := range o.Query {
		if value := asked.Get(p.Name); value != "" {
			parts = append(parts, p.Name+"="+value)
		}
	}
	return strings.Join(parts, " ")
}

// variable returns what stands in the path for a name. The router takes it from the path
// as it was sent only where that can be written in two ways; otherwise it is decoded
// already.
func variable(r *http.Request, name string) string {
	text := chi.URLParam(r, name)
	if r.URL.RawPath == "" {
		return text
	}
	if plain, err := url.PathUnescape(text); err == nil && utf8.ValidString(plain) {
		return plain
	}
	return text
}
