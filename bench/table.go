package main

import (
	"fmt"
	"io"
	"strconv"
)

// columns is the format of a row of a table of results.
const columns = "%-26s %-14s %4s %5s %8s %8s %8s %8s %8s %8s %8s %6s %7s %7s %8s %8s %8s %5s %6s %6s %7s\n"

// writeHeader writes the header of a table of results. Times are in milliseconds.
func writeHeader(w io.Writer) error {
	_, err := fmt.Fprintf(w, columns, "flow", "target", "c", "round", "offered", "ops/s", "p50", "p90", "p99", "max", "sent p99", "errors", "refused", "unsent",
		"srv cpu", "db cpu", "gen cpu", "MB", "stmts", "writes", "stored")
	if err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

// writeRow writes a result, and its first errors below it.
func writeRow(w io.Writer, r *result) error {
	statements, offered, sent := "-", "-", "-"
	if r.Statements >= 0 {
		statements = fmt.Sprintf("%.2f", r.Statements)
	}
	if r.Offered > 0 {
		offered, sent = round(r.Offered), fmt.Sprintf("%.2f", r.SentP99)
	}
	_, err := fmt.Fprintf(w, columns, r.Flow, r.Target, strconv.Itoa(r.Callers), strconv.Itoa(r.Round), offered, round(r.PerSecond),
		fmt.Sprintf("%.2f", r.P50), fmt.Sprintf("%.2f", r.P90), fmt.Sprintf("%.2f", r.P99), fmt.Sprintf("%.1f", r.Max), sent,
		count(r.Errors), count(r.Refused), count(r.Unsent),
		fmt.Sprintf("%.3f", r.ServerCPU), fmt.Sprintf("%.3f", r.DatabaseCPU), fmt.Sprintf("%.3f", r.GeneratorCPU),
		fmt.Sprintf("%.0f", r.PeakMB), statements, fmt.Sprintf("%.2f", r.Writes), fmt.Sprintf("%.0f", r.Stored))
	for _, text := range r.Shown {
		if err == nil {
			_, err = fmt.Fprintf(w, "    error: %s\n", text)
		}
	}
	if err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

func count(n uint64) string { return strconv.FormatUint(n, 10) }

// round formats a rate without insignificant digits.
func round(rate float64) string {
	if rate < 100 {
		return fmt.Sprintf("%.1f", rate)
	}
	return fmt.Sprintf("%.0f", rate)
}
