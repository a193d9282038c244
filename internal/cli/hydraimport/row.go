package hydraimport

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// row is one row of a table as JSON, by column. It accepts the encodings of lists and documents
// of all Hydra versions, and keeps the first error.
type row struct {
	columns map[string]json.RawMessage
	err     error
}

func (r *row) fail(column, want string) {
	if r.err == nil {
		r.err = fmt.Errorf("column %s is not %s", column, want)
	}
}

// value returns the value of the column, or nil for NULL.
func (r *row) value(column string) json.RawMessage {
	raw := bytes.TrimSpace(r.columns[column])
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return nil
	}
	return raw
}

func (r *row) text(column string) (text string) {
	if raw := r.value(column); raw != nil && json.Unmarshal(raw, &text) != nil {
		r.fail(column, "a text")
	}
	return text
}

func (r *row) flag(column string) (set bool) {
	if raw := r.value(column); raw != nil && json.Unmarshal(raw, &set) != nil {
		r.fail(column, "true or false")
	}
	return set
}

func (r *row) number(column string) (n int64) {
	if raw := r.value(column); raw != nil && json.Unmarshal(raw, &n) != nil {
		r.fail(column, "a whole number")
	}
	return n
}

// time reads a UTC time without a zone.
func (r *row) time(column string) time.Time {
	text := r.text(column)
	if text == "" {
		return time.Time{}
	}
	for _, layout := range []string{"2006-01-02T15:04:05", time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC()
		}
	}
	r.fail(column, "a time")
	return time.Time{}
}

// list reads a list: JSON, or text with items separated by "|" as Hydra 1 wrote it.
func (r *row) list(column string) []string {
	raw := r.value(column)
	if raw == nil {
		return nil
	}
	var items []string
	if json.Unmarshal(raw, &items) == nil {
		return items
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		r.fail(column, "a list of texts")
		return nil
	}
	if strings.HasPrefix(text, "[") {
		if json.Unmarshal([]byte(text), &items) != nil {
			r.fail(column, "a list of texts")
		}
		return items
	}
	for item := range strings.SplitSeq(text, "|") {
		if item != "" {
			items = append(items, item)
		}
	}
	return items
}

// document parses JSON, which may be inside a string. It returns nil for empty values.
func (r *row) document(column string) json.RawMessage {
	raw := r.value(column)
	if raw == nil {
		return nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		raw = bytes.TrimSpace([]byte(text))
	}
	if len(raw) == 0 || !json.Valid(raw) {
		if len(raw) > 0 {
			r.fail(column, "JSON")
		}
		return nil
	}
	if slices.Contains([]string{"null", "{}", "[]", `""`}, string(raw)) {
		return nil
	}
	return raw
}
