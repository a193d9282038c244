package main

import (
	"fmt"
	"io"
)

// columns are those of a table of results.
const columns = "%-26s %-14s %4s %5s %9s %8s %8s %8s %8s %7s %8s %8s %8s %8s %6s %6s %7s\n"

// writeHead begins a table of results.
func writeHead(w io.Writer) {
	fmt.Fprintf(w, columns, "flow", "target", "c", "round", "ops/s", "p50 ms", "p90 ms", "p99 ms", "max ms", "errors", "refused",
		"srv cpu", "db cpu", "gen cpu", "MB", "stmts", "writes")
}

// writeRow adds a result, and the first of its errors below it.
func writeRow(w io.Writer, r *result) {
	statements := "-"
	if r.Statements >= 0 {
		statements = fmt.Sprintf("%.2f", r.Statements)
	}
	fmt.Fprintf(w, columns, r.Flow, r.Target, fmt.Sprint(r.Callers), fmt.Sprint(r.Round), round(r.PerSecond),
		fmt.Sprintf("%.2f", r.P50), fmt.Sprintf("%.2f", r.P90), fmt.Sprintf("%.2f", r.P99), fmt.Sprintf("%.1f", r.Max),
		fmt.Sprint(r.Errors), fmt.Sprint(r.Refused),
		fmt.Sprintf("%.3f", r.ServerCPU), fmt.Sprintf("%.3f", r.DatabaseCPU), fmt.Sprintf("%.3f", r.GeneratorCPU),
		fmt.Sprintf("%.0f", r.PeakMB), statements, fmt.Sprintf("%.2f", r.Writes))
	for _, text := range r.Shown {
		fmt.Fprintf(w, "    error: %s\n", text)
	}
}

// round writes a rate without digits that mean nothing.
func round(rate float64) string {
	if rate < 100 {
		return fmt.Sprintf("%.1f", rate)
	}
	return fmt.Sprintf("%.0f", rate)
}
