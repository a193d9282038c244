package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/goccy/go-yaml"
)

// outputFlags select the output format.
type outputFlags struct {
	JSON   bool   `help:"Print JSON; --format has precedence." name:"json"`
	Format string `help:"Output format: table, json or yaml." enum:",table,json,yaml" default:"" placeholder:"FORMAT"`
}

const (
	formatTable = "table"
	formatYAML  = "yaml"
)

// isTable reports whether the format is a table.
func (a outputFlags) isTable() bool { return a.Format == formatTable || a.Format == "" && !a.JSON }

// write writes v as JSON or YAML.
func (a outputFlags) write(w io.Writer, v any) error {
	if a.Format != formatYAML {
		return writeJSON(w, v)
	}
	text, err := json.Marshal(v)
	if err == nil {
		text, err = yaml.JSONToYAML(text) // with the names and order of the JSON
	}
	if err == nil {
		_, err = w.Write(append(bytes.TrimRight(text, "\n"), '\n'))
	}
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// table is the layout of objects of a type.
type table[T any] struct {
	head  []string
	cells func(T) []string
}

// printList prints a list. In JSON and YAML it is always an array.
func printList[T any](w io.Writer, a outputFlags, t table[T], all []T) error {
	if !a.isTable() {
		if all == nil {
			all = []T{}
		}
		return a.write(w, all)
	}
	rows := [][]string{t.head}
	for _, one := range all {
		rows = append(rows, t.cells(one))
	}
	return printTable(w, rows)
}

// printObject prints an object; as a table, one member per line.
func printObject(w io.Writer, a outputFlags, one any) error {
	if !a.isTable() {
		return a.write(w, one)
	}
	text, err := json.Marshal(one)
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	var rows [][]string
	in := json.NewDecoder(bytes.NewReader(text))
	_, err = in.Token()
	for err == nil && in.More() {
		var name json.Token
		var value any
		if name, err = in.Token(); err == nil {
			err = in.Decode(&value)
		}
		rows = append(rows, []string{fmt.Sprint(name), formatValue(value)})
	}
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return printTable(w, rows)
}

// formatValue returns a JSON value as text.
func formatValue(value any) string {
	items, ok := value.([]any)
	if !ok {
		items = []any{value}
	}
	words := make([]string, len(items))
	for i, item := range items {
		if text, ok := item.(string); ok {
			words[i] = text
			continue
		}
		text, _ := json.Marshal(item)
		words[i] = string(text)
	}
	return strings.Join(words, ", ")
}

func printTable(w io.Writer, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = sanitize(cell)
		}
		if _, err := io.WriteString(t, strings.TrimRight(strings.Join(cells, "\t"), "\t")+"\n"); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// sanitize replaces control characters, so that a name that another party chose cannot control
// the terminal or the columns.
func sanitize(cell string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return unicode.ReplacementChar
		}
		return r
	}, cell)
}

// printf writes the result of a command. It returns an error if it cannot be written.
func (s Streams) printf(format string, args ...any) error {
	if _, err := fmt.Fprintf(s.Out, format+"\n", args...); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// notef writes additional information to standard error.
func (s Streams) notef(format string, args ...any) {
	_, _ = fmt.Fprintf(s.Err, format, args...) // the result does not depend on it
}

func writeJSON(w io.Writer, v any) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	if err := out.Encode(v); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// storedTime returns a time with the precision of the store, in UTC.
func storedTime(t time.Time) time.Time {
	return t.UTC().Truncate(time.Microsecond)
}

// formatTime returns a time as text, or a dash for the zero time.
func formatTime(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// yesOrDash returns yes or a dash.
func yesOrDash(is bool) string {
	if is {
		return "yes"
	}
	return "-"
}
