package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/ostiary/ostiary/test/rig"
)

// result is the result of a plan: the number of its modules by result, and the build that
// was tested.
type result struct {
	Passed, Review, Warned, Skipped, Failed int

	Date, Commit string
}

func (r *result) add(outcome string) {
	switch outcome {
	case "PASSED":
		r.Passed++
	case "REVIEW":
		r.Review++
	case "WARNING":
		r.Warned++
	case "SKIPPED":
		r.Skipped++
	default:
		r.Failed++
	}
}

func (r *result) sum(other result) {
	r.Passed += other.Passed
	r.Review += other.Review
	r.Warned += other.Warned
	r.Skipped += other.Skipped
	r.Failed += other.Failed
}

func (r *result) cells() string {
	return fmt.Sprintf("%d | %d | %d | %d | %d | %s | %s |", r.Passed, r.Review, r.Warned, r.Skipped, r.Failed, r.Date, r.Commit)
}

// parseResult parses the cells of a row.
func parseResult(cells string) (r result) {
	_, _ = fmt.Sscanf(cells, "%d | %d | %d | %d | %d | %s | %s", &r.Passed, &r.Review, &r.Warned, &r.Skipped, &r.Failed, &r.Date, &r.Commit)
	return r
}

// record keeps the results of plans on an engine, so that a run that was stopped can be
// resumed, and writes them to the report.
type record struct {
	version string
	engine  rig.Engine
	date    string
	commit  string // abbreviated, with a plus sign if files differ from it
	folder  string // of the results of this commit
	page    string // the report; empty writes none
	mu      sync.Mutex
}

// kept returns the result of a plan that an earlier run of the same commit has passed.
// Changed files make every run the first.
func (k *record) kept(p plan) (r result, found bool) {
	if strings.HasSuffix(k.commit, "+") {
		return result{}, false
	}
	text, err := os.ReadFile(k.file(p))
	return r, err == nil && json.Unmarshal(text, &r) == nil
}

// keep writes the result of a plan that passed.
func (k *record) keep(p plan, r result) error {
	r.Date, r.Commit = k.date, k.commit
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("keep result: %w", err)
	}
	err = os.MkdirAll(filepath.Dir(k.file(p)), 0o700)
	if err == nil {
		err = os.WriteFile(k.file(p), text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("keep result: %w", err)
	}
	return k.write(p, r)
}

// forget removes the results of this commit on the engine.
func (k *record) forget() error {
	if err := os.RemoveAll(filepath.Join(k.folder, string(k.engine))); err != nil {
		return fmt.Errorf("forget results: %w", err)
	}
	return nil
}

func (k *record) file(p plan) string {
	return filepath.Join(k.folder, string(k.engine), p.id()+".json")
}

// write adds the row of a plan to the report, or replaces it. Other rows stay.
func (k *record) write(p plan, r result) error {
	if k.page == "" {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	text, err := os.ReadFile(k.page)
	if err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	begin, end := fmt.Sprintf("<!-- %s -->\n", k.engine), fmt.Sprintf("<!-- end of %s -->\n", k.engine)
	before, rest, found := strings.Cut(string(text), begin)
	last, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return fmt.Errorf("write result: %s has no markers for results on %s", k.page, k.engine)
	}
	table := replaceRow(last, k.version, p, r)
	if err := os.WriteFile(k.page, []byte(before+begin+"\n"+table+"\n"+end+after), 0o600); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// replaceRow returns a table with one row replaced or added, in the order of the plans,
// and with a new sum.
func replaceRow(table, version string, p plan, r result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Suite %s.\n\n| plan | variant | passed | review | warned | skipped | failed | date | commit |\n"+
		"|---|---|---|---|---|---|---|---|---|\n", version)
	var all result
	for _, q := range plans() {
		name := fmt.Sprintf("| %s | %s |", q.title(), q.variants())
		_, rest, found := strings.Cut(table, name+" ")
		own := parseResult(rest)
		if q.id() == p.id() {
			own, found = r, true
		}
		if found {
			fmt.Fprintf(&b, "%s %s\n", name, own.cells())
			all.sum(own)
		}
	}
	fmt.Fprintf(&b, "| **all** | | %s\n", all.cells())
	return b.String()
}

// newRecord returns a record for results on an engine. Git ignores its folder.
func newRecord(ctx context.Context, engine rig.Engine, version, page string) (*record, error) {
	git := func(args ...string) (string, error) {
		out, err := exec.CommandContext(ctx, "git", append([]string{"-C", "../.."}, args...)...).Output()
		return strings.TrimSpace(string(out)), err
	}
	commit, err := git("rev-parse", "--short", "HEAD")
	changed, err2 := git("status", "--porcelain", "--", ".", ":!docs/conformance.md")
	if err := errors.Join(err, err2); err != nil {
		return nil, fmt.Errorf("read the tested commit: %w", err)
	}
	if changed != "" {
		commit += "+"
	}
	return &record{
		version: version, engine: engine, commit: commit, page: page,
		date:   time.Now().Format(time.DateOnly),
		folder: filepath.Join("../../.ostiary/conformance", commit),
	}, nil
}
