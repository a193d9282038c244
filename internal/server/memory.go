package server

import (
	"os"
	"runtime/debug"

	"github.com/ostiary/ostiary/internal/config"
)

// What a server needs with nothing to do, with room for what it does, and what a
// connection takes whose request waits.
const (
	memoryBase          = 96 << 20
	memoryPerConnection = 32 << 10
)

// limitMemory lets the garbage collector run more often rather than the process grow
// beyond what its connections and hashes can need. GOMEMLIMIT says otherwise.
func (s *Server) LimitMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit(s.Config, s.Hasher.Slots()+s.clientHasher.Slots()+s.adminHasher.Slots()))
	}
}

func memoryLimit(c *config.Config, hashes int) int64 {
	return memoryBase + int64(hashes*c.Argon2MemoryMiB)<<20 + int64(c.MaxConnections*memoryPerConnection)
}
