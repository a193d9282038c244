package pages

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
)

// Values of headers that every answer shares. Who wants another sets the header
// anew, which leaves these alone.
//
//nolint:gochecknoglobals // nobody writes them
var (
	typeJSON = []string{"application/json"}
	noStore  = []string{"no-store"}
	noCache  = []string{"no-cache"}
)

// JSON answers a machine with body, which no cache may keep (RFC 6749 section
// 5.1).
func JSON(w http.ResponseWriter, status int, body any) {
	encoded, err := json.Marshal(body)
	if err != nil {
		// Only our own structures come here, and they encode.
		panic(err)
	}
	head := w.Header()
	head["Content-Type"], head["Cache-Control"], head["Pragma"] = typeJSON, noStore, noCache
	w.WriteHeader(status)
	_, _ = w.Write(append(encoded, '\n')) // a caller that went away is told nothing
}

// JSONError answers a machine with an error as OAuth defines it (RFC 6749 section
// 5.2). Clients of Ory Hydra look for status_code.
func JSONError(w http.ResponseWriter, status int, code, description string) {
	JSON(w, status, struct {
		Error       string `json:"error"`
		Description string `json:"error_description,omitempty"`
		Status      int    `json:"status_code"`
	}{code, description, status})
}

// SeeOther redirects with 303, so that nothing a person posted is posted on. The
// location is sent byte for byte, as it was registered: [http.Redirect] would
// take the liberty of cleaning it.
func SeeOther(w http.ResponseWriter, location string) {
	w.Header().Set("Location", location)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
}

// AddQuery appends parameters, as they are encoded, to an address that may have some.
func AddQuery(address, query string) string {
	if strings.Contains(address, "?") {
		return address + "&" + query
	}
	return address + "?" + query
}

// Temporary reports whether err says nothing about the request: the database or
// the keys are out of reach, a queue is full, or there was no time left. To try
// again later may help.
func Temporary(err error) bool {
	var lost interface{ Unavailable() bool }
	return errors.As(err, &lost) && lost.Unavailable() ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// Level is how loudly the answer to a request is logged that ended in err: our
// own faults wake somebody up, a client that hung up does not.
func Level(ctx context.Context, status int, err error) slog.Level {
	switch {
	case status < http.StatusInternalServerError:
		return slog.LevelInfo
	case errors.Is(ctx.Err(), context.Canceled) && Temporary(err):
		return slog.LevelDebug
	default:
		return slog.LevelError
	}
}
