package cli

import (
	"bytes"
	"fmt"
	"io"
)

// output is the standard output of a command. It holds back the report of a change until the
// change is in force at every replica, since scripts act on a line as soon as they read it.
type output struct {
	to   io.Writer
	hold func() bool // nil if nothing is held back
	held bytes.Buffer
}

// Write writes p, or holds it back until [Streams.releaseOutput]. Output before a change, such
// as a confirmation prompt, is written immediately.
func (o *output) Write(p []byte) (int, error) {
	if o.held.Len() > 0 || o.hold != nil && o.hold() {
		return o.held.Write(p)
	}
	return o.to.Write(p)
}

// holdOutput holds back the output from the moment that hold reports true.
func (s Streams) holdOutput(hold func() bool) {
	if o, ok := s.Out.(*output); ok {
		o.hold = hold
	}
}

// releaseOutput writes the output that was held back.
func (s Streams) releaseOutput() error {
	o, ok := s.Out.(*output)
	if !ok {
		return nil
	}
	o.hold = nil
	if _, err := o.held.WriteTo(o.to); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}
