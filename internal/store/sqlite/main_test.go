package sqlite_test

import (
	"flag"
	"os"
	"testing"
)

// The tests wait for PostgreSQL, for locks and for one another far more than they
// compute, so that four of them run at once on however few processors, unless
// -parallel says otherwise.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
