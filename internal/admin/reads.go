package admin

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/audit"
)

// The actions of reads of users in the audit log.
const (
	readUser  = "user.read"
	listUsers = "user.list"
)

// readInterval is how long repeated reads of the same target by the same actor are one event.
const readInterval = 15 * time.Minute

// recordRead stores an audit event for a read of users before it is answered, unless the actor has
// read the same target within [readInterval].
func (h *Handler) recordRead(r *http.Request, o *Operation, by audit.Actor) error {
	event := h.event(r, o.ReadAction, o.readTarget(r), by)
	event.Outcome, event.Status = audit.Done, http.StatusOK
	known, err := h.audit.ListEvents(r.Context(), audit.Filter{
		Action: event.Action, Actor: by.ID, Target: event.Target, Since: event.At.Add(-readInterval),
	}, "", 1)
	if err != nil || len(known) > 0 {
		return err
	}
	return h.audit.BeginEvent(r.Context(), event)
}

// readTarget returns the target of a read in the audit log: the subject in the path or in the query,
// or the filters of a list.
func (o *Operation) readTarget(r *http.Request) string {
	if subject := pathValue(r, "subject"); subject != "" {
		return subject
	}
	query := r.URL.Query()
	if subject := query.Get("subject"); subject != "" {
		return subject
	}
	var filters []string
	for _, p := range o.Query {
		if value := query.Get(p.Name); value != "" && !strings.HasPrefix(p.Name, "page_") {
			filters = append(filters, p.Name+"="+value)
		}
	}
	return cmp.Or(strings.Join(filters, " "), o.Path)
}
