package postgres_test

import (
	"flag"
	"os"
	"testing"
)

// The tests wait for PostgreSQL, for locks and for each other more than they compute,
// so that four of them run in parallel on any number of processors, unless -parallel
// sets another number.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
