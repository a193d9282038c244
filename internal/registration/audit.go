package registration

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/manage"
)

// The audit actions of clients that register and manage themselves.
const (
	ActionRegister  = "client.self.register"
	ActionUpdate    = "client.self.update"
	ActionRedirects = "client.self.redirects" // new redirect URIs: consents and skip_consent are removed
	ActionSecret    = "client.self.secret"    //nolint:gosec // another client secret: registration access tokens are revoked
	ActionToken     = "client.self.token"     // a registration access token for a caller without the current one
	ActionDelete    = "client.self.delete"
)

// updateActions returns the audit actions of an update.
func updateActions(redirects, secret bool) []string {
	actions := []string{ActionUpdate}
	if redirects {
		actions = append(actions, ActionRedirects)
	}
	if secret {
		actions = append(actions, ActionSecret)
	}
	return actions
}

// audited runs a change by a client of itself. An event for each action is written before
// the change, which fails without it, and the outcome after it.
func (h *Handler) audited(r *http.Request, id string, actions []string, change func(context.Context) error) error {
	ctx := r.Context()
	events := make([]*audit.Event, len(actions))
	for i, action := range actions {
		e := audit.NewEvent(action, id, audit.Actor{Kind: audit.Client, ID: id}, h.Now())
		e.RequestID = h.RequestID(ctx)
		if address := h.Address(ctx); address.IsValid() {
			e.Address = address.String()
		}
		events[i] = e
	}
	audited := manage.Audited{
		Log: h.Audit,
		Outcome: func(err error) (audit.Outcome, int) {
			status := http.StatusOK
			if err != nil {
				status = h.errors.Of(err).Status
			}
			return audit.OutcomeOf(status), status
		},
		Unrecorded: func(ctx context.Context, e *audit.Event, err error) {
			h.Log.LogAttrs(ctx, slog.LevelError, "audit event without outcome", slog.String("event", e.ID), slog.Any("error", err))
		},
	}
	return audited.Change(ctx, events, change)
}
