package server

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/store"
)

// composeRefusals creates the recorder and the reporter of rejected requests.
func composeRefusals(s *Server) {
	s.Refusals = &refusal.Recorder{Store: s.Store.Refusals, Log: s.Log}
	s.reporter = &refusal.Reporter{
		Log: s.Log, Now: s.Now, Level: httpapi.Level, Recorder: s.Refusals,
		Count: func(rule refusal.Rule) { s.Metrics.CountRefusal(string(rule)) },
	}
}

// recentRefusals finds rejected requests for the admin API, including those of this process
// that are not stored yet.
type recentRefusals struct {
	*store.Refusals

	recent *refusal.Recorder
}

// Refusal is [store.Refusals.Refusal].
func (r recentRefusals) Refusal(ctx context.Context, requestID string) (*refusal.Record, error) {
	if recent, err := r.recent.Find(requestID); err == nil {
		return recent, nil
	}
	return r.Refusals.Refusal(ctx, requestID)
}

func recordNotFound(r *http.Request) {
	refusal.Note(r.Context(), refusal.Rejection{
		Rule: refusal.NotFound, Status: http.StatusNotFound, Code: "not_found", Text: "no endpoint has this path",
	})
}

func recordMethodNotAllowed(r *http.Request) {
	refusal.Note(r.Context(), refusal.Rejection{
		Rule: refusal.MethodNotAllowed, Status: http.StatusMethodNotAllowed, Code: "invalid_request",
		Text: "the endpoint does not support this method",
	})
}

// accountDigest returns the function that pseudonymizes usernames in the log. Its key is
// derived from the system secret, so that a reader of the log cannot test usernames or
// passwords.
func accountDigest(s *Server) func(username string) string {
	key := s.Secrets.DeriveAll("account digest")[0].Key
	return func(username string) string {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(username))
		return hex.EncodeToString(mac.Sum(nil)[:8])
	}
}
