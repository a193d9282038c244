package admin

import (
	"net/http"
	"strings"
)

// Operation is one operation of the API: its route, its part of the OpenAPI document, the
// scope that it requires and the action in the audit log.
type Operation struct {
	// ID is the operationId. Operations of Ory Hydra have the same ID as there.
	ID      string
	Method  string
	Path    string // a pattern of chi; the operation is also served below /admin
	Summary string
	// Scope is the required scope of the caller; empty allows all callers.
	Scope string
	Query []Parameter
	// Body is a value of the type that the JSON body is decoded into, or nil if there is no
	// body.
	Body any
	// OptionalBody accepts an empty body.
	OptionalBody bool
	// MaxBytes is the maximum size of the body; 0 is 64 KiB.
	MaxBytes int64
	// Patch is the media type of a patch, which the body may have beside application/json.
	Patch string
	// Form lists the parameters of a form body.
	Form []Parameter
	// Responses maps each successful status to a value of the type of its body, or to nil
	// if the response has no body. Error responses are listed only if their body differs
	// from the common one.
	Responses map[int]any
	// Action is the action in the audit log; empty if the operation changes nothing.
	Action string
	// ReadAction is the action in the audit log of a read of users, for callers whose reads are
	// events: see [Caller]. Every operation that returns data of users has one.
	ReadAction string
	// Target returns the target in the audit log; nil takes it from the path or the query.
	Target func(*http.Request) string
	// Do serves the operation; nil if the server mounts it itself.
	Do func(*Request) (*Response, error)
}

// Parameter is a parameter of a query or form.
type Parameter struct {
	Name        string
	Type        string // string, integer or boolean
	Required    bool
	Description string
}

// isAudited reports whether calls of the operation are audit events.
func (o *Operation) isAudited() bool { return o.Action != "" }

// target returns the target of a call for the audit log: the variables of the path, or the
// query parameters if the path has no variables.
func (o *Operation) target(r *http.Request) string {
	if o.Target != nil {
		return o.Target(r)
	}
	var parts []string
	for name := range strings.SplitSeq(o.Path, "/") {
		if strings.HasPrefix(name, "{") {
			parts = append(parts, pathValue(r, strings.Trim(name, "{}")))
		}
	}
	if len(parts) > 0 {
		return strings.Join(parts, "/")
	}
	query := r.URL.Query()
	for _, p := range o.Query {
		if value := query.Get(p.Name); value != "" {
			parts = append(parts, p.Name+"="+value)
		}
	}
	return strings.Join(parts, " ")
}
