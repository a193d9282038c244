// Package migrations holds the schema, step by step, as one text for both
// engines. A step that has been released never changes: the next one mends it.
//
// The table of grants alone needs a text per engine. Its step comes as two files,
// of which each engine sees its own.
package migrations

import (
	"embed"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// Files holds all steps, those of both engines.
//
//go:embed *.sql
var Files embed.FS

// The engines, as the names of files end with them.
const (
	Postgres = "postgres"
	SQLite   = "sqlite"
)

// NotFor names the steps that are not for engine.
func NotFor(engine string) []string {
	return slices.DeleteFunc(names(), func(name string) bool {
		stem := strings.TrimSuffix(name, ".sql")
		theirs := strings.HasSuffix(stem, "_"+Postgres) || strings.HasSuffix(stem, "_"+SQLite)
		return !theirs || strings.HasSuffix(stem, "_"+engine)
	})
}

// Newest returns the number of the last step.
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
