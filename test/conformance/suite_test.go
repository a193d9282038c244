//go:build conformance

package conformance

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// suite is a client of the REST API of a running conformance suite.
type suite struct {
	base string
	http *http.Client
}

// module is one test of a plan.
type module struct {
	Name    string            `json:"testModule"`
	Variant map[string]string `json:"variant"`
}

// entry is an unsuccessful entry of a module's log.
type entry struct {
	Source  string `json:"src"`
	Message string `json:"msg"`
	Result  string `json:"result"`

	details []string // names of the members that the condition added
}

// UnmarshalJSON decodes an entry of the suite.
func (e *entry) UnmarshalJSON(text []byte) error {
	type members entry
	var all map[string]any
	if err := errors.Join(json.Unmarshal(text, (*members)(e)), json.Unmarshal(text, &all)); err != nil {
		return fmt.Errorf("read log entry: %w", err)
	}
	for _, name := range []string{"_id", "blockId", "msg", "requirements", "result", "src", "testId", "testOwner", "time"} {
		delete(all, name)
	}
	e.details = slices.Sorted(maps.Keys(all))
	return nil
}

// isExplained reports whether docs/conformance.md explains a warning: the suite does not
// know a claim.
func (e *entry) isExplained() bool {
	known := map[string][]string{"CheckForUnexpectedClaimsInUserinfo": {"aud"}, "CheckForUnexpectedClaimsInIdToken": {"sid"}}
	return e.Result == "WARNING" && slices.Equal(known[e.Source], e.details)
}

// outcome is the result of a module.
type outcome struct {
	module
	ID     string
	Result string // PASSED, REVIEW, WARNING, SKIPPED, or FAILED
	Faults []entry
}

// The relevant states of a module.
const (
	configured  = "CONFIGURED"
	waiting     = "WAITING"
	finished    = "FINISHED"
	interrupted = "INTERRUPTED"
)

// reach connects to the suite at base. It also returns the suite's certificate, which
// the server under test must trust.
func reach(ctx context.Context, base string) (*suite, []byte, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, nil, fmt.Errorf("read the suite's address: %w", err)
	}
	unchecked := &tls.Config{InsecureSkipVerify: true} // the certificate is self-signed
	conn, err := (&tls.Dialer{Config: unchecked}).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, nil, fmt.Errorf("no suite at %s; see docs/conformance.md for how to start it: %w", base, err)
	}
	defer conn.Close()
	shown := conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: shown.Raw})
	return &suite{base, &http.Client{
		Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: unchecked, MaxIdleConnsPerHost: 8},
	}}, certificate, nil
}

// call sends a request to the API and decodes the response.
func (s *suite) call(ctx context.Context, method, path string, query url.Values, body, into any) error {
	var content io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("write request: %w", err)
		}
		content = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, s.base+"/api/"+path+"?"+query.Encode(), content)
	if err != nil {
		return fmt.Errorf("create request: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := s.http.Do(r)
	if err != nil {
		return fmt.Errorf("send request: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("read response: %w", err)
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: status %d: %.300s", method, path, resp.StatusCode, text)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// version returns the version of the suite.
func (s *suite) version(ctx context.Context) (string, error) {
	var server struct{ Version, Revision string }
	if err := s.call(ctx, http.MethodGet, "server", nil, nil, &server); err != nil {
		return "", err
	}
	return server.Version + " (" + server.Revision + ")", nil
}

// open creates a plan and returns its modules.
func (s *suite) open(ctx context.Context, p plan, config any) (id string, modules []module, err error) {
	variant, err := json.Marshal(p.variant)
	if err != nil {
		return "", nil, fmt.Errorf("write variant: %w", err)
	}
	var created struct {
		ID      string `json:"id"`
		Modules []module
	}
	query := url.Values{"planName": {p.name}}
	if len(p.variant) > 0 {
		query.Set("variant", string(variant))
	}
	err = s.call(ctx, http.MethodPost, "plan", query, config, &created)
	return created.ID, created.Modules, err
}

// run runs a module of a plan. If the module must be started explicitly, before is
// called after the module has read the server's metadata. For other modules, which
// start automatically, it is nil.
func (s *suite) run(ctx context.Context, planID string, m module, before func() error) (outcome, error) {
	variant, err := json.Marshal(m.Variant)
	if err != nil {
		return outcome{}, fmt.Errorf("write variant: %w", err)
	}
	query := url.Values{"test": {m.Name}, "plan": {planID}, "variant": {string(variant)}}
	var created struct{ ID string }
	if err := s.call(ctx, http.MethodPost, "runner", query, nil, &created); err != nil {
		return outcome{}, err
	}
	if before != nil {
		err = s.start(ctx, created.ID, before)
	}
	if err == nil {
		_, err = s.await(ctx, created.ID, waiting, finished)
	}
	if err == nil {
		_, err = s.await(ctx, created.ID, finished)
	}
	if err != nil {
		return outcome{}, fmt.Errorf("module %s: %w", created.ID, err)
	}
	return s.outcome(ctx, m, created.ID)
}

// start waits until the module is configured, calls before and starts the module.
func (s *suite) start(ctx context.Context, id string, before func() error) error {
	state, err := s.await(ctx, id, configured, finished)
	if err != nil || state != configured {
		return err
	}
	if err := before(); err != nil {
		return err
	}
	var started struct{}
	return s.call(ctx, http.MethodPost, "runner/"+id, nil, nil, &started)
}

// await waits until the module is in one of the states or is interrupted.
func (s *suite) await(ctx context.Context, id string, states ...string) (string, error) {
	query := url.Values{"timeoutMs": {"20000"}}
	query.Set("states", interrupted)
	for _, state := range states {
		query.Set("states", query.Get("states")+","+state)
	}
	ctx, cancel := context.WithTimeout(ctx, 6*time.Minute)
	defer cancel()
	for {
		var now struct {
			State   string
			Timeout bool
		}
		if err := s.call(ctx, http.MethodGet, "runner/"+id+"/wait-state", query, nil, &now); err != nil {
			return "", err
		}
		if !now.Timeout {
			return now.State, nil
		}
	}
}

// outcome reads the result of a module.
func (s *suite) outcome(ctx context.Context, m module, id string) (outcome, error) {
	var info struct{ Status, Result string }
	var log []entry
	err := errors.Join(
		s.call(ctx, http.MethodGet, "info/"+id, nil, nil, &info),
		s.call(ctx, http.MethodGet, "log/"+id, nil, nil, &log),
	)
	o := outcome{module: m, ID: id, Result: info.Result}
	if info.Status == interrupted {
		o.Result = "FAILED"
	}
	for _, e := range log {
		switch e.Result {
		case "FAILURE", "WARNING", "REVIEW":
			o.Faults = append(o.Faults, e)
		}
	}
	return o, err
}
