package refusal

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"
)

// Reporter logs and records rejected requests.
type Reporter struct {
	Log *slog.Logger
	Now func() time.Time
	// Level returns the log level for a request that ended with err.
	Level func(ctx context.Context, status int, err error) slog.Level
	// Recorder stores the records, or nil.
	Recorder *Recorder
	// Count counts rejections by rule, or nil.
	Count func(Rule)
}

// Request has the properties of a request that the middleware knows.
type Request struct {
	ID, Method, Route, Network string
	Status                     int // of the response
}

// Report logs and records r, which a handler noted or the middleware derived from the status.
func (p *Reporter) Report(ctx context.Context, q Request, r Rejection) {
	cause := explain(&r, q.Status)
	status := cmp.Or(r.Status, q.Status)
	p.log(ctx, q, &r, cause, status)
	if r.Unrecorded {
		return
	}
	if p.Count != nil && !r.Succeeded {
		p.Count(cause.Rule)
	}
	if p.Recorder == nil {
		return
	}
	now := p.Now()
	p.Recorder.Add(&Record{
		ID: newID(now), At: now, RequestID: q.ID, Method: q.Method, Route: q.Route, Status: status, Code: r.Code,
		Rule: cause.Rule, Cause: cause.Text, ClientID: r.ClientID, GrantID: cause.GrantID, Network: q.Network, Attrs: cause.Attrs,
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
		{"cause", cause.Text},
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
	//nolint:sloglint // the messages are constants of the handlers
	p.Log.LogAttrs(ctx, level, cmp.Or(r.Message, "request refused"), attrs...)
}

// byStatus returns the rule and text of a rejected request without a cause. The file server,
// for example, sets only the status.
func byStatus(status int) (rule Rule, text string) {
	switch status {
	case http.StatusNotFound:
		return NotFound, "no endpoint has this path"
	case http.StatusMethodNotAllowed:
		return MethodNotAllowed, "the endpoint does not support this method"
	default:
		return Unexplained, "the handler set no cause"
	}
}

// explain returns the cause of r. Without one, it derives a cause from the status.
func explain(r *Rejection, status int) *Cause {
	cause := Cause{Rule: r.Rule, Text: r.Text}
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
		cause.Rule, cause.Text = byStatus(status)
	}
	cause.Text = cut(cause.Text)
	cause.Attrs = append(slices.Clip(cause.Attrs), r.Attrs...)
	return &cause
}
