package admin

import (
	"net/http"

	"github.com/ostiary/ostiary/internal/audit"
)

// Operation is one entry of the table: what is mounted, what the document says of it,
// who may use it, and what is kept of its use.
type Operation struct {
	// ID is what the SDKs of Ory Hydra call it, or would.
	ID      string
	Method  string
	Path    string // as chi takes it; the same with /admin before it works too
	Summary string
	// Scope is what an API key needs; empty is for anybody.
	Scope string
	Query []Parameter
	// Body is a value of the type that the body is read into as JSON; nil is none.
	Body any
	// MaxBytes bounds a body; 0 is 64 KiB.
	MaxBytes int64
	// Patch is set where a body may call itself application/json-patch+json.
	Patch bool
	// Form lists the parameters of a body that is a form.
	Form []Parameter
	// Answers has a value of the type that goes with each status; nil is no body.
	// Errors come in one shape and are not listed, but for those in another.
	Answers map[int]any
	// Action names what changes, for the audit log; empty where nothing does.
	Action string
	// Do is nil for what the server mounts beside the table.
	Do func(*Call) (*Reply, error)
}

// Parameter is one of a query or form.
type Parameter struct {
	Name     string
	Type     string // string, integer or boolean
	Required bool
	Meaning  string
}

// Call is a request from somebody who may make it.
type Call struct {
	*http.Request

	By audit.Actor
	// Target is what the call is about, for the audit log. It begins as the path's
	// variables; an operation that makes something says what.
	Target string

	head http.Header // of the answer
}

// Reply is what an operation answers.
type Reply struct {
	Status int
	Body   any // nil for none
}

func ok(body any) *Reply { return &Reply{http.StatusOK, body} }

func done() *Reply { return &Reply{Status: http.StatusNoContent} }

// changes are the operations that the audit log tells of.
func (o *Operation) changes() bool { return o.Action != "" }
