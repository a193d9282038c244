// Package meter tells what a load costs the server: processor time, memory, and
// what its database is asked.
//
// Processor time per operation is the figure that travels from one machine to
// another. It comes from the kernel's own accounts in /proc, so it needs nothing
// of the server, and on systems without /proc it is left out.
package meter

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Config names what to watch. Everything may be left out.
type Config struct {
	// Server is the process id of the server.
	Server int
	// Database is a PostgreSQL URL of the server's database.
	Database string
}

// Meter watches a server and its database.
type Meter struct {
	server   int
	database *database
}

// Reading is the state of all counters at a moment.
type Reading struct {
	Server    time.Duration // processor time of the server
	Database  time.Duration // processor time of the database
	Generator time.Duration // processor time of this process

	Statements int64 // executed by the database, -1 when it does not count them
	Writes     int64 // transactions that wrote something
	WAL        int64 // bytes of write-ahead log
	Stored     int64 // bytes of tables and indexes
}

// New begins to watch.
func New(ctx context.Context, c Config) (*Meter, error) {
	m := &Meter{server: c.Server}
	if c.Server != 0 {
		if _, err := processTime(c.Server); err != nil {
			return nil, fmt.Errorf("watch the server: %w", err)
		}
	}
	if c.Database == "" {
		return m, nil
	}
	var err error
	if m.database, err = watch(ctx, c.Database); err != nil {
		return nil, fmt.Errorf("watch the database: %w", err)
	}
	return m, nil
}

// Read reads all counters.
func (m *Meter) Read(ctx context.Context) (Reading, error) {
	r := Reading{Statements: -1}
	var err error
	if r.Generator, err = ownTime(); err != nil {
		return r, fmt.Errorf("read the generator's time: %w", err)
	}
	if m.server != 0 {
		if r.Server, err = processTime(m.server); err != nil {
			return r, fmt.Errorf("read the server's time: %w", err)
		}
	}
	if m.database == nil {
		return r, nil
	}
	return r, m.database.read(ctx, &r)
}

// Since is what was spent since an earlier reading.
func (r Reading) Since(earlier Reading) Reading {
	spent := Reading{
		Server: r.Server - earlier.Server, Database: r.Database - earlier.Database, Generator: r.Generator - earlier.Generator,
		Statements: -1, Writes: r.Writes - earlier.Writes, WAL: r.WAL - earlier.WAL, Stored: r.Stored - earlier.Stored,
	}
	if r.Statements >= 0 && earlier.Statements >= 0 {
		spent.Statements = r.Statements - earlier.Statements
	}
	return spent
}

// Plus is what was spent in both of two spans.
func (r Reading) Plus(other Reading) Reading {
	both := Reading{
		Server: r.Server + other.Server, Database: r.Database + other.Database, Generator: r.Generator + other.Generator,
		Statements: -1, Writes: r.Writes + other.Writes, WAL: r.WAL + other.WAL, Stored: r.Stored + other.Stored,
	}
	if r.Statements >= 0 && other.Statements >= 0 {
		both.Statements = r.Statements + other.Statements
	}
	return both
}

// Close ends the watch.
func (m *Meter) Close(ctx context.Context) error {
	if m.database == nil {
		return nil
	}
	return m.database.close(ctx)
}

// errNoProcess reports a process that is not there.
var errNoProcess = errors.New("no such process")
