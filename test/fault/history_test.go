//go:build fault

package fault

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// event is one thing that a client did, from the call to the return, on the one
// clock of the tests. Credentials appear by their fingerprints.
type event struct {
	Process string        `json:"process"`
	Op      operation     `json:"op"`
	Family  int           `json:"family"`         // the grant it was about
	Key     string        `json:"key,omitempty"`  // what was presented
	Issued  []string      `json:"gave,omitempty"` // what was given: the access token, the refresh token
	Call    time.Duration `json:"call"`
	Return  time.Duration `json:"return"`
	Result  result        `json:"result"`
	Detail  string        `json:"said,omitempty"` // in words, for whoever reads it
}

type operation string

const (
	authorize  operation = "authorize" // gave a code
	exchange   operation = "exchange"
	refresh    operation = "refresh"
	revoke     operation = "revoke"
	introspect operation = "introspect"
	fault      operation = "fault" // what the rig did to the server
)

// result is how an operation ended. Of introspection ok means active, and refused
// inactive.
type result string

const (
	ok      result = "ok"
	refused result = "refused" // by a verdict, which is for ever
	unknown result = "unknown" // no answer, or 503: it may have happened or not
	broken  result = "broken"  // an answer that nobody may ever get
)

// fingerprint stands for a credential.
func fingerprint(credential string) string {
	if credential == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(credential))
	return hex.EncodeToString(sum[:8])
}

// history collects events as they happen.
type history struct {
	start time.Time
	path  string

	mutex sync.Mutex
	file  *bufio.Writer
	err   error
}

// newHistory begins a history in a file of its own.
func newHistory(t *testing.T) *history {
	t.Helper()
	path := filepath.Join(t.ArtifactDir(), "history.jsonl")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return &history{start: time.Now(), path: path, file: bufio.NewWriter(file)}
}

// now is the time on the history's clock.
func (h *history) now() time.Duration { return time.Since(h.start) }

func (h *history) add(e event) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	line, err := json.Marshal(e)
	if err == nil {
		_, err = h.file.Write(append(line, '\n'))
	}
	if err != nil {
		h.err = err
	}
}

// events reads back what was written.
func (h *history) events(t *testing.T) []event {
	t.Helper()
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if err := h.file.Flush(); err != nil || h.err != nil {
		t.Fatalf("write history: %v, %v", err, h.err)
	}
	file, err := os.Open(h.path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []event
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("read history: %v", err)
		}
		all = append(all, e)
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("read history: %v", err)
	}
	return all
}
