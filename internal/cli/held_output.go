package cli

import (
	"bytes"
	"fmt"
	"io"
)

// output is the standard output of a command. It holds back what reports a change until
// the change is in force at every replica, since programs act on a line as they read it.
type output struct {
	to   io.Writer
	hold func() bool // nil where nothing is held
	held bytes.Buffer
}

// Write writes p, or keeps it for [Streams.releaseOutput]. What precedes a change, such as
// what a person is to confirm, is written at once.
func (o *output) Write(p []byte) (int, error) {
	if o.held.Len() > 0 || o.hold != nil && o.hold() {
		return o.held.Write(p)
	}
	return o.to.Write(p)
}

// holdOutput keeps what is written once hold reports true, and all that follows.
func (s Streams) holdOutput(hold func() bool) {
	if o, ok := s.Out.(*output); ok {
		o.hold = hold
	}
}

// releaseOutput writes what was kept.
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
