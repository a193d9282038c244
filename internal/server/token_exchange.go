package server

import (
	"context"

	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/middleware"
)

// recordExchange returns a function that stores the audit event of a token exchange, with the address
// and the ID of its request.
func recordExchange(s *Server) func(context.Context, *audit.Event) error {
	return func(ctx context.Context, e *audit.Event) error {
		e.RequestID = middleware.ID(ctx)
		if address := middleware.Address(ctx); address.IsValid() {
			e.Address = address.String()
		}
		return s.Store.Audit.BeginEvent(ctx, e)
	}
}
