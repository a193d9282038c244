// Package migrations holds the schema as numbered steps, which are the same text for both
// engines. A released step never changes: a later step corrects it.
//
// A step that differs between the engines has one file for each engine.
package migrations

import (
	"embed"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// Files contains the steps of both engines.
//
//go:embed *.sql
var Files embed.FS

// Suffixes of the file names of steps that differ between the engines.
const (
	Postgres = "postgres"
	SQLite   = "sqlite"
)

// NotFor returns the file names of the steps of the other engine.
func NotFor(engine string) []string {
	return slices.DeleteFunc(names(), func(name string) bool {
		stem := strings.TrimSuffix(name, ".sql")
		perEngine := strings.HasSuffix(stem, "_"+Postgres) || strings.HasSuffix(stem, "_"+SQLite)
		return !perEngine || strings.HasSuffix(stem, "_"+engine)
	})
}

// Newest returns the highest step number.
func Newest() (version int64) {
	for _, name := range names() {
		number, _, _ := strings.Cut(name, "_")
		step, err := strconv.ParseInt(number, 10, 64)
		if err == nil {
			version = max(version, step)
		}
	}
	return version
}

func names() []string {
	names, _ := fs.Glob(Files, "*.sql") // only a bad pattern is an error
	return names
}
