package refusal

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"
)

// Reporter is the one place that logs and records rejected requests.
type Reporter struct {
	Log *slog.Logger
	Now func() time.Time
	// Level returns how loudly a request that ended in err is logged.
	Level func(ctx context.Context, status int, err error) slog.Level
	// Recorder keeps the records; nil keeps none.
	Recorder *Recorder
	// Count counts rejections by rule; nil counts none.
	Count func(Rule)
}

// Request is what the edge knows of a request.
type Request struct {
	ID, Method, Route, Network string
	Status                     int // of the response
}

// Report logs and records r, which a handler noted or the edge made of the status.
func (p *Reporter) Report(ctx context.Context, q Request, r Rejection) {
	cause := explain(&r, q.Status)
	status := cmp.Or(r.Status, q.Status)
	p.log(ctx, q, &r, cause, status)
	if r.Unrecorded {
		return
	}
	if p.Count != nil && !r.Answered {
		p.Count(cause.Rule)
	}
	if p.Recorder == nil {
		return
	}
	now := p.Now()
	p.Recorder.Offer(&Record{
		ID: newID(now), At: now, RequestID: q.ID, Method: q.Method, Route: q.Route, Status: status, Code: r.Code,
		Rule: cause.Rule, Cause: cause.Words, ClientID: r.ClientID, GrantID: cause.GrantID, Network: q.Network, Attrs: cause.Attrs,
	}, r.Flood)
}

func (p *Reporter) log(ctx context.Context, q Request, r *Rejection, cause *Cause, status int) {
	level := p.Level(ctx, status, r.Err)
	switch {
	case r.Quiet:
		level = slog.LevelDebug
	case cause.Warn:
		level = max(level, slog.LevelWarn)
	}
	if !p.Log.Enabled(ctx, level) {
		return
	}
	attrs := append(make([]slog.Attr, 0, 12+len(cause.Attrs)),
		slog.String("request_id", q.ID), slog.String("route", q.Route), slog.Int("status", status))
	for _, a := range []Attr{
		{"code", r.Code},
		{"client_id", r.ClientID},
		{"network", q.Network},
		{"rule", string(cause.Rule)},
		{"cause", cause.Words},
		{"grant_id", cause.GrantID},
	} {
		if a.Value != "" {
			attrs = append(attrs, slog.String(a.Name, a.Value))
		}
	}
	for _, a := range cause.Attrs {
		attrs = append(attrs, slog.String(a.Name, a.Value))
	}
	if r.Err != nil && (status >= http.StatusInternalServerError || Of(r.Err) == nil) {
		attrs = append(attrs, slog.Any("error", r.Err))
	}
	//nolint:sloglint // the messages are fixed texts of the handlers
	p.Log.LogAttrs(ctx, level, cmp.Or(r.Message, "request refused"), attrs...)
}

// byStatus returns the rule of a rejected request for which no handler gave a cause. What
// serves files says nothing but the status.
func byStatus(status int) (rule Rule, words string) {
	switch status {
	case http.StatusNotFound:
		return NotFound, "nothing has this path"
	case http.StatusMethodNotAllowed:
		return MethodNotAllowed, "the endpoint does not support this method"
	default:
		return Unexplained, "no handler gave a cause"
	}
}

// explain returns the cause of r, made up from what is known where there is none.
func explain(r *Rejection, status int) *Cause {
	cause := Cause{Rule: r.Rule, Words: r.Words}
	if carried := Of(r.Err); carried != nil {
		cause = *carried
	}
	status = cmp.Or(r.Status, status)
	switch {
	case cause.Rule != "":
	case status == http.StatusServiceUnavailable:
		cause.Rule = Unavailable
	case status >= http.StatusInternalServerError:
		cause.Rule = InternalError
	default:
		cause.Rule, cause.Words = byStatus(status)
	}
	cause.Words = cut(cause.Words)
	cause.Attrs = append(slices.Clip(cause.Attrs), r.Attrs...)
	return &cause
}
