package server

import (
	"context"
	"log/slog"
)

// sampledHashes is how many accounts are looked at for password hashes that were made
// with other parameters than the configured ones. The hasher meets the rest at sign-ins.
const sampledHashes = 1000

// learnHashCosts lets every password check take as long as those of imported accounts.
func learnHashCosts(ctx context.Context, s *Server) error {
	hashes, err := s.Store.Accounts.SampleHashes(ctx, sampledHashes)
	if err != nil {
		return err
	}
	for _, hash := range hashes {
		if !s.Hasher.AddRecipe(hash) {
			s.Log.LogAttrs(ctx, slog.LevelWarn, "some password hashes take longer to check than argon2_memory_mib and argon2_iterations say, "+
				"or are of too many kinds: the time of a sign-in tells which accounts have them")
			break
		}
	}
	return nil
}
