package admin

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/ostiary/ostiary/internal/audit"
)

const (
	// fileRows is the maximum number of events in a file, and fileBatch that of one read.
	fileRows, fileBatch = 10_000, 500
)

// auditFile streams the newest events that the filter selects as a file, which is itself an event.
func auditFile(v *visit, filter audit.Filter, query url.Values, format string) error {
	first, err := v.console.Events.ListEvents(v.r.Context(), filter, "", fileBatch)
	if err != nil {
		return err
	}
	if err := v.change("audit.export", query.Encode(), func(context.Context) error { return nil }); err != nil {
		return err
	}
	kind, write := "text/csv; charset=utf-8; header=present", writeCSV
	if format == "json" {
		kind, write = "application/json", writeJSON
	}
	v.w.Header().Set("Content-Type", kind)
	v.w.Header().Set("Content-Disposition", `attachment; filename="audit.`+format+`"`)
	v.w.Header().Set("Cache-Control", "no-store")
	failed := write(v.w, func(yield func(*audit.Event) bool) error {
		for list, n := first, 0; ; {
			for _, e := range list {
				if n++; n > fileRows || !yield(e) {
					return nil
				}
			}
			if len(list) < fileBatch {
				return nil
			}
			if list, err = v.console.Events.ListEvents(v.r.Context(), filter, list[len(list)-1].ID, fileBatch); err != nil {
				return err
			}
		}
	})
	if failed != nil {
		panic(http.ErrAbortHandler) // the file is incomplete, and its status was sent
	}
	return nil
}

// events calls yield for each event of a file until it returns false.
type events func(yield func(*audit.Event) bool) error

// writeCSV writes events as CSV.
//
// Spec: RFC 4180.
func writeCSV(w io.Writer, all events) error {
	file := csv.NewWriter(w)
	_ = file.Write([]string{"time", "action", "target", "detail", "actor_kind", "actor_id", "actor_name", "address", "request_id", "outcome", "status"})
	err := all(func(e *audit.Event) bool {
		return file.Write([]string{
			e.At.UTC().Format(time.RFC3339Nano), cell(e.Action), cell(e.Target), cell(e.Detail), string(e.Actor.Kind), cell(e.Actor.ID), cell(e.Actor.Name),
			e.Address, cell(e.RequestID), string(e.Outcome), strconv.Itoa(e.Status),
		}) == nil
	})
	file.Flush()
	return errors.Join(err, file.Error())
}

// cell returns text that a spreadsheet does not take for a formula.
func cell(text string) string {
	if text != "" && (text[0] == '=' || text[0] == '+' || text[0] == '-' || text[0] == '@' || text[0] == '\t' || text[0] == '\r') {
		return "'" + text
	}
	return text
}

// exportedEvent is an event in a JSON file, with the members of the admin API.
type exportedEvent struct {
	ID        string        `json:"id"`
	At        time.Time     `json:"at"`
	Action    string        `json:"action"`
	Target    string        `json:"target"`
	Detail    string        `json:"detail,omitempty"`
	Actor     exportedActor `json:"actor"`
	Address   string        `json:"address,omitempty"`
	RequestID string        `json:"request_id,omitempty"`
	Outcome   string        `json:"outcome"`
	Status    int           `json:"status_code,omitempty"`
}

type exportedActor struct {
	Kind string `json:"kind"`
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// writeJSON writes events as a JSON array.
func writeJSON(w io.Writer, all events) error {
	separator := "["
	err := all(func(e *audit.Event) bool {
		one, err := json.Marshal(exportedEvent{
			e.ID, e.At.UTC(), e.Action, e.Target, e.Detail, exportedActor{string(e.Actor.Kind), e.Actor.ID, e.Actor.Name}, e.Address, e.RequestID, string(e.Outcome), e.Status,
		})
		if err == nil {
			_, err = io.WriteString(w, separator+"\n"+string(one))
		}
		separator = ","
		return err == nil
	})
	end := "\n]\n"
	if separator == "[" {
		end = "[]\n"
	}
	_, failed := io.WriteString(w, end)
	return errors.Join(err, failed)
}
