package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// readInput reads a file; "-" is standard input.
func (s Streams) readInput(name string) ([]byte, error) {
	if name == "-" {
		text, err := io.ReadAll(s.In)
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		return text, nil
	}
	return os.ReadFile(name) //nolint:gosec // the path is from the command line
}

// terminal returns the file descriptor of standard input if it is a terminal.
func (s Streams) terminal() (fd int, ok bool) {
	file, ok := s.In.(*os.File)
	if !ok {
		return 0, false
	}
	fd = int(file.Fd())
	return fd, term.IsTerminal(fd)
}

// confirmFlag skips the confirmation of a command that cannot be undone.
type confirmFlag struct {
	Yes bool `help:"Do not ask for confirmation." short:"y"`
}

// confirm returns nil if --yes is set or the user types yes at the prompt.
func (y confirmFlag) confirm(ctx context.Context, s Streams, question string) error {
	if y.Yes {
		return nil
	}
	if _, ok := s.terminal(); !ok {
		return errors.New("not a terminal: pass --yes to confirm")
	}
	s.notef("%s Type yes: ", question)
	reply, err := readInterruptibly(ctx, func() (string, error) {
		line, err := bufio.NewReader(s.In).ReadString('\n')
		return line, ignoreEOF(err)
	})
	if err != nil {
		return fmt.Errorf("read confirmation: %w", err)
	}
	if !strings.EqualFold(strings.TrimSpace(reply), "yes") {
		return errors.New("nothing was changed")
	}
	return nil
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// readInterruptibly calls read and returns early if ctx ends: a read from a terminal does not
// return when the user presses Ctrl+C.
func readInterruptibly(ctx context.Context, read func() (string, error)) (string, error) {
	type result struct {
		text string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := read()
		done <- result{text, err}
	}()
	select {
	case r := <-done:
		return r.text, r.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// progress returns a function that shows progress if standard error is a terminal.
func (s Streams) progress(what string) func(done, total int) {
	if !s.isTerminal() {
		return func(int, int) {}
	}
	return func(done, total int) {
		s.notef("\r%s: %d of %d", what, done, total)
		if done == total {
			s.clearProgress()
		}
	}
}

// countProgress returns a function that shows a count, for work of unknown size. The caller
// clears the line with clearProgress.
func (s Streams) countProgress(what string) func(done int64) {
	return func(done int64) {
		if s.isTerminal() {
			s.notef("\r%s: %d", what, done)
		}
	}
}

// clearProgress clears the progress line.
func (s Streams) clearProgress() {
	if s.isTerminal() {
		s.notef("\r\x1b[K")
	}
}

// isTerminal reports whether standard error is a terminal.
func (s Streams) isTerminal() bool {
	file, ok := s.Err.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
