package server

import (
	"context"
	"log/slog"
)

// sampledHashes is the number of accounts that are checked for password hashes with other
// parameters than the configured ones. The hasher learns the parameters of other accounts when
// they sign in.
const sampledHashes = 1000

// learnHashCosts makes every password check take as long as a check of imported hashes.
func learnHashCosts(ctx context.Context, s *Server) error {
	hashes, err := s.Store.Accounts.SampleHashes(ctx, sampledHashes)
	if err != nil {
		return err
	}
	for _, hash := range hashes {
		if !s.Hasher.AddRecipe(hash) {
			s.Log.LogAttrs(ctx, slog.LevelWarn, "some password hashes take longer to verify than the configured argon2_memory_mib and argon2_iterations, "+
				"or have too many different parameters: the duration of a sign-in reveals which accounts have them")
			break
		}
	}
	return nil
}
