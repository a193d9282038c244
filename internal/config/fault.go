package config

import (
	"fmt"
	"strings"
)

// Fault describes one invalid setting.
type Fault struct {
	// Key is the setting as the operator wrote it.
	Key string
	// Source names the file and line, the environment or a flag.
	Source string
	// Value is the quoted value, or a placeholder for a secret.
	Value string
	// Problem is the error, and Allowed describes valid values.
	Problem, Allowed string
}

// String returns the fault as one line.
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

// Error reports all errors in a configuration.
type Error struct{ Faults []Fault }

// Error returns the faults, one per line.
func (e *Error) Error() string {
	count := "1 error"
	if n := len(e.Faults); n != 1 {
		count = fmt.Sprintf("%d errors", n)
	}
	var b strings.Builder
	b.WriteString(count + " in the configuration:")
	for _, f := range e.Faults {
		b.WriteString("\n  " + f.String())
	}
	return b.String()
}
