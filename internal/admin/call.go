package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/go-chi/chi/v5"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/httpapi"
)

// Caller is an authenticated caller: the actor in the audit log, and the scopes that it holds.
type Caller struct {
	Actor audit.Actor
	Holds func(scope string) bool
	// ReadsAudited reports that the audit log records which users the caller reads.
	ReadsAudited bool
}

// Call is a call of an operation within this process, by a front end that has authenticated the
// caller.
type Call struct {
	Operation string            // its ID
	Path      map[string]string // the variables of the path
	Query     url.Values
	Body      any    // encoded as JSON; nil for none
	IfMatch   string // the header If-Match; empty for none
	Caller    Caller
}

// Result is the response to a [Call].
type Result struct {
	Status int
	Header http.Header
	Body   []byte // JSON; empty if there is none
}

// callerKey is the context key of the [Caller] of a call within this process.
type callerKey struct{}

// callerOf returns the caller of a call within this process, and whether it is one.
func callerOf(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}

// Call runs an operation as a request over the network does, with its scope, its audit event and its
// errors, which are [httpapi.Error]. The request r has the address and the ID for the audit event.
func (h *Handler) Call(r *http.Request, call Call) (*Result, error) {
	i := slices.IndexFunc(h.operations, func(o Operation) bool { return o.ID == call.Operation })
	if i < 0 {
		return nil, fmt.Errorf("call %s: no operation has this ID", call.Operation)
	}
	o := &h.operations[i]
	raw, err := json.Marshal(call.Body)
	if err != nil {
		return nil, fmt.Errorf("encode body: %w", err)
	}
	route := chi.NewRouteContext()
	for name, value := range call.Path {
		route.URLParams.Add(name, value)
	}
	ctx := context.WithValue(context.WithValue(r.Context(), chi.RouteCtxKey, route), callerKey{}, call.Caller)
	inner, err := http.NewRequestWithContext(ctx, o.Method, (&url.URL{Path: o.Path, RawQuery: call.Query.Encode()}).String(), bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	if call.IfMatch != "" {
		inner.Header.Set("If-Match", call.IfMatch)
	}
	if !call.Caller.Holds(o.Scope) {
		if o.isAudited() {
			if err := h.recordDenied(inner, o, call.Caller.Actor); err != nil {
				return nil, err
			}
		}
		return nil, insufficientScope(o.Scope)
	}
	if call.Caller.ReadsAudited && o.ReadAction != "" {
		if err := h.recordRead(inner, o, call.Caller.Actor); err != nil {
			return nil, err
		}
	}
	request := &Request{HTTP: inner, Actor: call.Caller.Actor, Target: o.target(inner), header: http.Header{}}
	response, err := h.do(request, o) //nolint:contextcheck // the request carries the context
	if err != nil {
		known := h.errors.Of(err)
		if known.Status >= http.StatusInternalServerError {
			return nil, err
		}
		result := &httpapi.Error{Status: known.Status, Code: known.Code, Description: known.Description, Rule: known.Rule, RetryAfter: known.RetryAfter}
		if missing, ok := errors.AsType[*apikey.MissingError](err); ok {
			result.Err = missing
		}
		return nil, result
	}
	result := &Result{Status: response.Status, Header: request.header}
	if response.Body != nil {
		if result.Body, err = json.Marshal(response.Body); err != nil {
			return nil, fmt.Errorf("encode response: %w", err)
		}
	}
	return result, nil
}
