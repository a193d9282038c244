package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
)

// result is one line about a flow, as bench/result.go writes it.
type result struct {
	Target  string  `json:"target"`
	Flow    string  `json:"flow"`
	Variant string  `json:"variant"` // which settings, where not the usual ones
	Callers int     `json:"callers"`
	Grants  int64   `json:"grants"`  // live ones in the database, where that is what is measured
	Offered float64 `json:"offered"` // operations a second of an open loop

	PerSecond   float64 `json:"per_second"`
	P50         float64 `json:"p50_ms"`
	P99         float64 `json:"p99_ms"`
	Errors      float64 `json:"errors"`
	Refused     float64 `json:"refused"`
	RefusedP99  float64 `json:"refused_p99_ms"`
	SentP99     float64 `json:"sent_p99_ms"` // without the wait in the generator
	Seconds     float64 `json:"seconds"`
	ServerCPU   float64 `json:"server_cpu_ms"`
	DatabaseCPU float64 `json:"database_cpu_ms"`
	PeakMB      float64 `json:"server_peak_mb"`
	Statements  float64 `json:"statements"`
	Writes      float64 `json:"writes"`
	WALBytes    float64 `json:"wal_bytes"`
	Stored      float64 `json:"stored_bytes"`

	// Multiple is how many times what the callers reached in a closed loop is
	// offered; 0 for that loop itself.
	Multiple float64 `json:"-"`
}

// cost is the processor time of an operation, of the server and its database.
func (r *result) cost() float64 { return r.ServerCPU + r.DatabaseCPU }

// limit is one line about the machine, as bench/limits writes it.
type limit struct {
	Name      string  `json:"limit"`
	Callers   int     `json:"callers"`
	PerSecond float64 `json:"per_second"`
	P99       float64 `json:"p99_ms"`
	CPU       float64 `json:"cpu_ms"`
}

// start is one line about a start, as bench/start.go writes it.
type start struct {
	Target      string  `json:"target"`
	FirstAnswer float64 `json:"first_answer_ms"`
	CPU         float64 `json:"cpu_ms"`
	IdleMB      float64 `json:"idle_mb"`
	BinaryMB    float64 `json:"binary_mb"`
}

// data is what the files hold, with the rounds of one measurement summed up in
// their medians.
type data struct {
	results []*result // in the order in which they first came
	limits  []limit
	starts  []start
}

func readFiles(names []string) (*data, error) {
	var d data
	for _, name := range names {
		text, err := os.ReadFile(name) //nolint:gosec // whoever calls names it
		if err != nil {
			return nil, err
		}
		if err := d.read(text); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	d.results = summarize(d.results)
	return &d, nil
}

// read takes the lines of one file. An open loop follows the closed one that says
// what it is measured by.
func (d *data) read(text []byte) error {
	reached := map[series]float64{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for number := 1; lines.Scan(); number++ {
		if err := d.line(lines.Bytes(), reached); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	return lines.Err()
}

func (d *data) line(text []byte, reached map[series]float64) error {
	var kind struct {
		Flow, Limit string
		FirstAnswer float64 `json:"first_answer_ms"`
	}
	if err := json.Unmarshal(text, &kind); err != nil {
		return err
	}
	switch {
	case kind.Flow != "":
		var r result
		if err := json.Unmarshal(text, &r); err != nil {
			return err
		}
		if r.Offered == 0 {
			reached[r.series()] = r.PerSecond
		} else if most := reached[r.series()]; most > 0 {
			r.Multiple = math.Round(100*r.Offered/most) / 100
		}
		d.results = append(d.results, &r)
		return nil
	case kind.Limit != "":
		return appendTo(&d.limits, text)
	case kind.FirstAnswer != 0:
		return appendTo(&d.starts, text)
	default:
		return fmt.Errorf("neither a flow nor a limit nor a start: %.80s", text)
	}
}

func appendTo[T any](list *[]T, text []byte) error {
	var one T
	err := json.Unmarshal(text, &one)
	*list = append(*list, one)
	return err
}

// series is what is drawn as one line or one bar.
type series struct {
	target, flow, variant string
	grants                int64
}

func (r *result) series() series { return series{r.Target, r.Flow, r.Variant, r.Grants} }

// label names what was measured for people.
func (s series) label() string {
	name, known := map[string]string{
		"jwks": "key set", "client-credentials": "client_credentials", "client-credentials-opaque": "client_credentials, opaque",
		"private-key-jwt": "private_key_jwt", "private-key-jwt-opaque": "private_key_jwt, opaque",
		"code-sign-in": "code flow, signing in", "code-session": "code flow, signed in", "code-exchange": "code exchange",
		"revocation-refresh": "revocation, refresh token",
	}[s.flow]
	if !known {
		name = s.flow
	}
	if s.variant != "" {
		name += ", " + s.variant
	}
	return name
}

// summarize puts the medians of all rounds in place of the rounds.
func summarize(all []*result) []*result {
	type point struct {
		series
		callers  int
		multiple float64
	}
	rounds := map[point][]*result{}
	var order []point
	for _, r := range all {
		p := point{r.series(), r.Callers, r.Multiple}
		if rounds[p] == nil {
			order = append(order, p)
		}
		rounds[p] = append(rounds[p], r)
	}
	medians := make([]*result, len(order))
	for i, p := range order {
		medians[i] = middle(rounds[p])
	}
	return medians
}

// middle is the median of each figure. Faults are summed up instead.
func middle(rounds []*result) *result {
	m := *rounds[0]
	for _, field := range []func(*result) *float64{
		func(r *result) *float64 { return &r.Offered }, func(r *result) *float64 { return &r.PerSecond },
		func(r *result) *float64 { return &r.P50 }, func(r *result) *float64 { return &r.P99 },
		func(r *result) *float64 { return &r.Refused }, func(r *result) *float64 { return &r.RefusedP99 }, func(r *result) *float64 { return &r.SentP99 }, func(r *result) *float64 { return &r.Seconds },
		func(r *result) *float64 { return &r.ServerCPU }, func(r *result) *float64 { return &r.DatabaseCPU },
		func(r *result) *float64 { return &r.PeakMB }, func(r *result) *float64 { return &r.Statements },
		func(r *result) *float64 { return &r.Writes }, func(r *result) *float64 { return &r.WALBytes }, func(r *result) *float64 { return &r.Stored },
	} {
		values := make([]float64, len(rounds))
		for i, r := range rounds {
			values[i] = *field(r)
		}
		*field(&m) = median(values)
	}
	m.Errors = 0
	for _, r := range rounds {
		m.Errors += r.Errors
	}
	return &m
}

func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// where returns the results that fit, in order.
func (d *data) where(fits func(*result) bool) []*result {
	var some []*result
	for _, r := range d.results {
		if fits(r) {
			some = append(some, r)
		}
	}
	return some
}

// plain reports whether r was measured in a closed loop on a database as it comes.
func (r *result) plain() bool { return r.Offered == 0 && r.Grants == 0 }
