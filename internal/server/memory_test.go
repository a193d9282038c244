package server

import (
	"math"
	"os"
	"runtime/debug"
	"testing"

	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/credential"
)

func TestMemoryLimitIsSetUnlessGOMEMLIMITIs(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	debug.SetMemoryLimit(math.MaxInt64)
	c := config.Default()
	s := &Server{Options: Options{Config: c}}
	s.Hasher, s.clientHasher, s.adminHasher = credential.NewHasher(8, 1, 3, 0), credential.NewHasher(8, 1, 1, 0), credential.NewHasher(8, 1, 1, 0)

	t.Setenv("GOMEMLIMIT", "1GiB")
	s.LimitMemory()
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
		t.Errorf("the operator's limit was replaced by %d", got)
	}
	os.Unsetenv("GOMEMLIMIT")
	s.LimitMemory()
	// As docs/operations.md says: 96 MiB, 64 for each hash, 32 KiB for each connection.
	if got, want := debug.SetMemoryLimit(-1), int64(96+5*64)<<20+10_000*32<<10; got != want {
		t.Errorf("the limit is %d, want %d", got, want)
	}
}
