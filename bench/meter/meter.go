// Package meter measures the resources that a server uses: processor time, memory
// and database statements.
//
// Processor time per operation is the figure that can be compared between
// machines. It is read from /proc, without support by the server, and is zero on
// systems without /proc.
package meter

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Config identifies the processes to measure. All fields are optional.
type Config struct {
	// Server is the process id of the server.
	Server int
	// Database is a PostgreSQL URL of the server's database.
	Database string
}

// Meter reads the counters of a server and its database.
type Meter struct {
	server   int
	database *database
}

// Reading has the values of all counters at one time.
type Reading struct {
	Server    time.Duration // processor time of the server
	Database  time.Duration // processor time of the database
	Generator time.Duration // processor time of this process

	Statements int64 // executed by the database, -1 if it does not count them
	Writes     int64 // transactions that wrote something
	WAL        int64 // bytes of write-ahead log
	Stored     int64 // bytes of tables and indexes
}

// New returns a meter. It returns an error if a process of c does not exist.
func New(ctx context.Context, c Config) (*Meter, error) {
	m := &Meter{server: c.Server}
	if c.Server != 0 {
		if _, err := processTime(c.Server); err != nil {
			return nil, fmt.Errorf("measure the server: %w", err)
		}
	}
	if c.Database == "" {
		return m, nil
	}
	var err error
	if m.database, err = watchDatabase(ctx, c.Database); err != nil {
		return nil, fmt.Errorf("measure the database: %w", err)
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

// Since returns the difference to an earlier reading.
func (r Reading) Since(earlier Reading) Reading {
	difference := Reading{
		Server: r.Server - earlier.Server, Database: r.Database - earlier.Database, Generator: r.Generator - earlier.Generator,
		Statements: -1, Writes: r.Writes - earlier.Writes, WAL: r.WAL - earlier.WAL, Stored: r.Stored - earlier.Stored,
	}
	if r.Statements >= 0 && earlier.Statements >= 0 {
		difference.Statements = r.Statements - earlier.Statements
	}
	return difference
}

// Plus returns the sum of two differences.
func (r Reading) Plus(other Reading) Reading {
	sum := Reading{
		Server: r.Server + other.Server, Database: r.Database + other.Database, Generator: r.Generator + other.Generator,
		Statements: -1, Writes: r.Writes + other.Writes, WAL: r.WAL + other.WAL, Stored: r.Stored + other.Stored,
	}
	if r.Statements >= 0 && other.Statements >= 0 {
		sum.Statements = r.Statements + other.Statements
	}
	return sum
}

// Close closes the connection to the database.
func (m *Meter) Close(ctx context.Context) error {
	if m.database == nil {
		return nil
	}
	return m.database.close(ctx)
}

// errNoProcess reports a process that does not exist.
var errNoProcess = errors.New("no such process")
