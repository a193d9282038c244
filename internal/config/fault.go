package config

import (
	"fmt"
	"strings"
)

// Fault is one thing that is wrong with a configuration.
type Fault struct {
	// Key is the setting as the operator wrote it.
	Key string
	// Source says where it was written: the file and line, the environment, a flag.
	Source string
	// Value is what was written, quoted, or a placeholder for a secret.
	Value string
	// Problem says what is wrong with it, Allowed what would be right.
	Problem, Allowed string
}

// String is the fault in one line.
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(f.Key)
	if f.Value != "" {
		b.WriteString(" = " + f.Value)
	}
	if f.Source != "" {
		b.WriteString(" (" + f.Source + ")")
	}
	b.WriteString(": " + f.Problem)
	if f.Allowed != "" {
		b.WriteString("; allowed: " + f.Allowed)
	}
	return b.String()
}

// Error lists every fault of a configuration.
type Error struct{ Faults []Fault }

// Error is the list, one fault on a line.
func (e *Error) Error() string {
	noun := "faults"
	if len(e.Faults) == 1 {
		noun = "fault"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s in the configuration:", len(e.Faults), noun)
	for _, f := range e.Faults {
		b.WriteString("\n  " + f.String())
	}
	return b.String()
}
