package admin

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/manage"
)

// Audit stores and lists audit events.
type Audit interface {
	manage.AuditLog
	AuditEvents
}

// actorKey is the context key under which [Handler.Allow] passes the caller to
// [Handler.Serve].
type actorKey struct{}

// Serve returns the handler of an operation. It must be behind [Handler.Allow].
func (h *Handler) Serve(o *Operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		by, _ := r.Context().Value(actorKey{}).(audit.Actor)
		request := &Request{HTTP: r, Actor: by, Target: o.target(r), header: w.Header()}
		response, err := h.do(request, o) //nolint:contextcheck // the request carries the context
		if err != nil {
			h.writeError(w, r, err)
			return
		}
		if response.Body == nil {
			w.Header().Set("Cache-Control", "no-store")
			w.WriteHeader(response.Status)
			return
		}
		httpapi.JSON(w, response.Status, response.Body)
	}
}

// do runs an operation. An audited operation runs only after its event has been stored.
func (h *Handler) do(r *Request, o *Operation) (*Response, error) {
	if !o.isAudited() {
		return o.Do(r)
	}
	event := h.event(r.HTTP, o.Action, r.Target, r.Actor)
	var response *Response
	audited := manage.Audited{
		Log: h.audit,
		Outcome: func(err error) (audit.Outcome, int) {
			if err != nil {
				status := h.errors.Of(err).Status
				return audit.OutcomeOf(status), status
			}
			return audit.OutcomeOf(response.Status), response.Status
		},
		Unrecorded: func(ctx context.Context, e *audit.Event, err error) {
			h.log.LogAttrs(ctx, slog.LevelError, "audit event without outcome", slog.String("event", e.ID), slog.Any("error", err))
		},
	}
	err := audited.Change(r.Context(), []*audit.Event{event}, func(context.Context) (err error) {
		response, err = o.Do(r)
		event.Target, event.Detail = audit.Truncate(r.Target), r.Detail
		return err
	})
	return response, err
}

func (h *Handler) event(r *http.Request, action, target string, by audit.Actor) *audit.Event {
	event := audit.NewEvent(action, target, by, h.now())
	event.RequestID = h.requestID(r.Context())
	if address := h.address(r.Context()); address.IsValid() {
		event.Address = address.String()
	}
	return event
}

// recordDenied stores an audit event for a change that the caller is not authorized to make.
func (h *Handler) recordDenied(r *http.Request, o *Operation, by audit.Actor) error {
	event := h.event(r, o.Action, o.target(r), by)
	event.Status, event.Outcome = http.StatusForbidden, audit.Refused
	return h.audit.BeginEvent(r.Context(), event)
}
