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

// event is an operation of a client with its start and end, on the clock of the test.
// Credentials are replaced by fingerprints.
type event struct {
	Process string        `json:"process"`
	Op      operation     `json:"op"`
	Family  int           `json:"family"`           // the grant
	Key     string        `json:"key,omitempty"`    // fingerprint of the credential in the request
	Issued  []string      `json:"issued,omitempty"` // fingerprints of the code or of access and refresh token
	Call    time.Duration `json:"call"`
	Return  time.Duration `json:"return"`
	Result  result        `json:"result"`
	Detail  string        `json:"detail,omitempty"` // description of the response
}

type operation string

const (
	authorize  operation = "authorize" // issued a code
	exchange   operation = "exchange"
	refresh    operation = "refresh"
	revoke     operation = "revoke"
	introspect operation = "introspect"
	fault      operation = "fault" // injected by the test
)

// result is the outcome of an operation. For introspection, ok means active and refused
// means inactive.
type result string

const (
	ok      result = "ok"
	refused result = "refused" // rejected with a final error
	unknown result = "unknown" // no response or 503: the operation may have taken effect
	broken  result = "broken"  // any other response, which is a violation
)

// fingerprint returns a short hash of a credential.
func fingerprint(credential string) string {
	if credential == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(credential))
	return hex.EncodeToString(sum[:8])
}

// history records events.
type history struct {
	start time.Time
	path  string

	mutex sync.Mutex
	file  *bufio.Writer
	err   error
}

// newHistory creates a history in a file.
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

// now returns the time since the start of the history.
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

// events returns the recorded events.
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
