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

// result is a line with the results of a flow, written by bench/result.go.
type result struct {
	Target  string  `json:"target"`
	Flow    string  `json:"flow"`
	Variant string  `json:"variant"` // name of the settings, if not the default
	Callers int     `json:"callers"`
	Grants  int64   `json:"grants"`  // live grants in a filled database
	Offered float64 `json:"offered"` // rate of an open loop in operations per second

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

	// Multiple is the rate of an open loop divided by the rate of the closed loop; 0
	// for a closed loop.
	Multiple float64 `json:"-"`
}

// cost returns the processor time of an operation, of server and database.
func (r *result) cost() float64 { return r.ServerCPU + r.DatabaseCPU }

// limit is a line with a limit of the machine, written by bench/limits.
type limit struct {
	Name      string  `json:"limit"`
	Callers   int     `json:"callers"`
	PerSecond float64 `json:"per_second"`
	P99       float64 `json:"p99_ms"`
	CPU       float64 `json:"cpu_ms"`
}

// start is a line with the results of a start, written by bench/start.go.
type start struct {
	Target      string  `json:"target"`
	FirstAnswer float64 `json:"first_answer_ms"`
	CPU         float64 `json:"cpu_ms"`
	IdleMB      float64 `json:"idle_mb"`
	BinaryMB    float64 `json:"binary_mb"`
}

// data is the content of the files, with the medians of all rounds.
type data struct {
	results []*result // in the order of the files
	limits  []limit
	starts  []start
	pages   []consolePage
}

func readFiles(names []string) (*data, error) {
	var d data
	for _, name := range names {
		text, err := os.ReadFile(name) //nolint:gosec // the path is from the command line
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

// read reads the lines of a file. An open loop must follow its closed loop, to
// compute the multiple.
func (d *data) read(text []byte) error {
	reached := map[series]float64{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for number := 1; lines.Scan(); number++ {
		if !bytes.HasPrefix(lines.Bytes(), []byte("{")) { // the output of go test
			if err := d.readPage(lines.Text()); err != nil {
				return fmt.Errorf("line %d: %w", number, err)
			}
			continue
		}
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
		return fmt.Errorf("unknown result, not a flow, limit or start: %.80s", text)
	}
}

func appendTo[T any](list *[]T, text []byte) error {
	var one T
	err := json.Unmarshal(text, &one)
	*list = append(*list, one)
	return err
}

// series identifies a line or bar of a figure.
type series struct {
	target, flow, variant string
	grants                int64
}

func (r *result) series() series { return series{r.Target, r.Flow, r.Variant, r.Grants} }

// label returns the name of a series for figures and tables.
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

// summarize replaces the rounds by their medians.
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

// middle returns the medians of all fields and the sum of errors.
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

// filter returns the results that match, in order.
func (d *data) filter(match func(*result) bool) []*result {
	var matching []*result
	for _, r := range d.results {
		if match(r) {
			matching = append(matching, r)
		}
	}
	return matching
}

// plain reports whether r was measured in a closed loop on an unfilled database.
func (r *result) plain() bool { return r.Offered == 0 && r.Grants == 0 }
