package server

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/ostiary/ostiary/internal/httpapi"
)

// stopping is set when the process shuts down: it still serves requests, but is not ready.
type stopping struct{ atomic.Bool }

// mountHealth mounts health and version endpoints under each of the prefixes. /version shows
// the version only if build is true.
func mountHealth(s *Server, r chi.Router, build bool, prefixes ...string) {
	shown := ""
	if build {
		shown = s.Version
	}
	for _, prefix := range prefixes {
		getAndHead(r, prefix+"/health/alive", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			writeStatus(w, http.StatusOK, `{"status":"ok"}`)
		}))
		getAndHead(r, prefix+"/health/ready", http.HandlerFunc(s.ready))
		getAndHead(r, prefix+"/version", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			writeStatus(w, http.StatusOK, `{"version":"`+httpapi.Description(shown)+`"}`)
		}))
	}
}

// ready serves GET /health/ready.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	if problem := unready(r.Context(), s); problem != "" {
		w.Header().Set("Retry-After", "2")
		writeStatus(w, http.StatusServiceUnavailable, `{"errors":{"`+problem+`"}}`)
		return
	}
	writeStatus(w, http.StatusOK, `{"status":"ok"}`)
}

// unready returns why the server is not ready, as a JSON member, or "" if it is ready.
func unready(ctx context.Context, s *Server) string {
	if s.stopping.Load() {
		return `server":"is stopping`
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := s.Store.Ping(ctx); err != nil {
		return `database":"does not answer`
	}
	if err := s.Store.CheckWritable(ctx); err != nil {
		return `database":"does not take writes`
	}
	return ""
}

func writeStatus(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body + "\n")) // the client may have disconnected
}
