package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/server"
	"github.com/ostiary/ostiary/internal/store"
)

// desk is where an administrator's command works: over an open database whose
// schema is this version's.
type desk struct {
	Streams
	config *config.Config
	store  *store.Store
	log    *slog.Logger
	change change
}

// current refuses a database whose schema is not this version's. An older one is
// brought up to date by what how says; nothing else is.
func current(ctx context.Context, db *store.Store, how string) error {
	err := db.CheckSchema(ctx)
	if errors.Is(err, store.ErrSchemaTooOld) {
		return fmt.Errorf("%w; %s brings it up to date", err, how)
	}
	return err
}

// atDesk opens a desk for work that needs the configuration keys named, beside
// that of the database.
func (c *commandLine) atDesk(ctx context.Context, s Streams, work func(*desk) error, require ...string) error {
	conf, err := c.load(append(require, "database_url")...)
	if err != nil {
		return err
	}
	if missing(conf) {
		return errors.New("there is no database yet: run migrate up")
	}
	return atDatabase(ctx, s, conf, func(d *desk) error {
		if err := current(ctx, d.store, "ostiary migrate up"); err != nil {
			return err
		}
		d.change = c.change
		return d.keepingTrack(ctx, work)
	})
}

// atDatabase opens a desk whatever the schema is.
func atDatabase(ctx context.Context, s Streams, conf *config.Config, work func(*desk) error) error {
	// What a command does, it says itself.
	conf.LogLevel = max(conf.LogLevel, slog.LevelWarn)
	d := &desk{Streams: s, config: conf, log: newLog(s.Err, conf)}
	var err error
	if d.store, err = server.OpenStore(ctx, conf, d.log); err != nil {
		return err
	}
	defer d.store.Close()
	return work(d)
}

// missing reports whether the database is a file that is not there. Opening it
// would leave an empty one behind, perhaps under a name that is a slip.
func missing(conf *config.Config) bool {
	path, ok := strings.CutPrefix(conf.DatabaseURL.Reveal(), "sqlite:")
	if !ok {
		return false
	}
	_, err := os.Stat(strings.TrimPrefix(path, "//"))
	return errors.Is(err, fs.ErrNotExist)
}

// pageSize is how many rows a listing reads at once.
const pageSize = 500

// every reads a listing to its end. next returns the page that follows after.
func every[T, K any](next func(after K) ([]T, error), key func(T) K) ([]T, error) {
	var all []T
	var after K
	for {
		some, err := next(after)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		if len(some) < pageSize {
			return all, nil
		}
		after = key(some[len(some)-1])
	}
}

// readInput reads a file that the command line names; "-" is the standard input.
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

// console returns the terminal that a person types on, if there is one.
func (s Streams) console() (fd int, ok bool) {
	file, ok := s.In.(*os.File)
	if !ok {
		return 0, false
	}
	fd = int(file.Fd())
	return fd, term.IsTerminal(fd)
}

// certainty is asked for before something is gone for good.
type certainty struct {
	Yes bool `help:"Do not ask for confirmation." short:"y"`
}

// confirm returns nil if the question is answered with yes, beforehand or now.
func (y certainty) confirm(ctx context.Context, s Streams, question string) error {
	if y.Yes {
		return nil
	}
	if _, ok := s.console(); !ok {
		return errors.New("not a terminal: pass --yes to confirm")
	}
	s.remark("%s Type yes: ", question)
	reply, err := await(ctx, func() (string, error) {
		line, err := bufio.NewReader(s.In).ReadString('\n')
		return line, ignoreEOF(err)
	})
	if err != nil {
		return fmt.Errorf("ask: %w", err)
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

// await reads from a person, who may as well press Ctrl+C: a read from a terminal
// does not notice that ctx ends.
func await(ctx context.Context, read func() (string, error)) (string, error) {
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

// progress tells a person at a terminal how far long work has come, and programs
// nothing.
func (s Streams) progress(what string) func(done, total int) {
	if !s.watched() {
		return func(int, int) {}
	}
	return func(done, total int) {
		s.remark("\r%s: %d of %d", what, done, total)
		if done == total {
			s.clear()
		}
	}
}

// counter is progress in work of which nobody knows how much there is. Whoever has
// done it clears the line.
func (s Streams) counter(what string) func(done int64) {
	return func(done int64) {
		if s.watched() {
			s.remark("\r%s: %d", what, done)
		}
	}
}

// clear takes away what tells of progress.
func (s Streams) clear() {
	if s.watched() {
		s.remark("\r\x1b[K")
	}
}

// watched reports whether a person reads the standard error.
func (s Streams) watched() bool {
	file, ok := s.Err.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
