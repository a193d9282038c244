package server

import (
	"os"
	"runtime/debug"

	"github.com/ostiary/ostiary/internal/config"
)

// Memory of an idle server with a reserve for requests, and of a connection with a waiting
// request.
const (
	memoryBase          = 96 << 20
	memoryPerConnection = 32 << 10
)

// LimitMemory sets a memory limit from the connection and hashing limits, so that the garbage
// collector runs more often before the process grows beyond it. GOMEMLIMIT in the environment
// overrides it.
func (s *Server) LimitMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit(s.Config, s.Hasher.Slots()+s.clientHasher.Slots()+s.adminHasher.Slots()))
	}
}

func memoryLimit(c *config.Config, hashes int) int64 {
	return memoryBase + int64(hashes*c.Argon2MemoryMiB)<<20 + int64(c.MaxConnections*memoryPerConnection)
}
