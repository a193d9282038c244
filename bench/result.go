package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/ostiary/ostiary/bench/flows"
)

// result is a line of the file of results. Latencies are in milliseconds; costs are
// per successful operation.
type result struct {
	At      time.Time `json:"at"`
	Target  string    `json:"target"`
	Flow    string    `json:"flow"`
	Variant string    `json:"variant,omitempty"` // from --variant
	Grants  int64     `json:"grants,omitempty"`  // from --grants
	Callers int       `json:"callers"`
	Round   int       `json:"round"`
	// Offered is the rate of an open loop, 0 for a closed one.
	Offered float64 `json:"offered,omitempty"`

	Seconds   float64 `json:"seconds"`
	Ops       uint64  `json:"ops"`
	PerSecond float64 `json:"per_second"`
	P50       float64 `json:"p50_ms"`
	P90       float64 `json:"p90_ms"`
	P99       float64 `json:"p99_ms"`
	Max       float64 `json:"max_ms"`

	Errors     uint64   `json:"errors"`
	Shown      []string `json:"shown_errors,omitempty"`
	Refused    uint64   `json:"refused"`
	RetryAfter uint64   `json:"refused_with_retry_after"`
	RefusedP99 float64  `json:"refused_p99_ms"`
	// SentP50 and SentP99 are latencies of an open loop from sending the request,
	// without the time that the operation waited for a free caller.
	SentP50 float64 `json:"sent_p50_ms,omitempty"`
	SentP99 float64 `json:"sent_p99_ms,omitempty"`
	// Unsent is the number of operations of an open loop that no caller was free for.
	Unsent uint64 `json:"unsent"`

	ServerCPU    float64 `json:"server_cpu_ms"`
	DatabaseCPU  float64 `json:"database_cpu_ms"`
	GeneratorCPU float64 `json:"generator_cpu_ms"`
	PeakMB       float64 `json:"server_peak_mb"`
	// Statements is -1 if the database does not count them.
	Statements float64 `json:"statements"`
	Writes     float64 `json:"writes"`
	WALBytes   float64 `json:"wal_bytes"`
	// Stored is the growth of tables and indexes, in whole pages.
	Stored float64 `json:"stored_bytes"`
}

// result returns the result of a measurement.
func (m *measurement) result(f *flows.Flow) *result {
	t, usage := &m.tally, m.usage
	ops := float64(max(t.Latency.Count(), 1))
	r := &result{
		At: time.Now().UTC().Truncate(time.Second), Target: m.target.Name, Flow: f.Name, Callers: m.Callers, Offered: m.Rate,
		Seconds: t.Elapsed.Seconds(), Ops: t.Latency.Count(), PerSecond: t.Rate(),
		P50: ms(t.Latency.Percentile(50)), P90: ms(t.Latency.Percentile(90)), P99: ms(t.Latency.Percentile(99)), Max: ms(t.Latency.Max()),
		Errors: t.Errors, Shown: t.Shown,
		Refused: t.Refusal.Count(), RetryAfter: t.RetryAfter, RefusedP99: ms(t.Refusal.Percentile(99)),
		SentP50: ms(t.Sent.Percentile(50)), SentP99: ms(t.Sent.Percentile(99)), Unsent: t.Unsent,
		ServerCPU: ms(usage.Server) / ops, DatabaseCPU: ms(usage.Database) / ops, GeneratorCPU: ms(usage.Generator) / ops,
		PeakMB: float64(m.meter.Peak()) / (1 << 20), Statements: -1,
		Writes: float64(usage.Writes) / ops, WALBytes: float64(usage.WAL) / ops, Stored: float64(usage.Stored) / ops,
	}
	if usage.Statements >= 0 {
		r.Statements = float64(usage.Statements) / ops
	}
	return r
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// record appends a line to the file of results, unless path is empty.
func record(path string, line any) error {
	if path == "" {
		return nil
	}
	text, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644) //nolint:gosec // results contain no secrets
	if err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	defer file.Close() //nolint:errcheck // Write reports errors
	if _, err := file.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}
