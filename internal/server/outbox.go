package server

import (
	"context"
	"strings"

	"github.com/ostiary/ostiary/internal/middleware"
	"github.com/ostiary/ostiary/internal/network"
	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/session"
)

func composeSessions(s *Server) {
	s.Outbox = outbox.NewDispatcher(outbox.Config{
		Issuer: s.Config.Issuer, Store: s.Store.Outbox, Clients: s.Clients, Signer: s.Keys, Poster: s.fetcher, Pinger: backchannelPinger{s, newCodec(s)},
		Subjects: s.subjects, Now: s.Now, Log: s.Log,
	})
	s.sessions = &session.Manager{
		Store: s.Store.Sessions, Sources: s.Store.SignInSources, Cookies: s.Cookies,
		Lifetimes: sessionLifetimes(s.Config), Remembered: rememberedLifetimes(s.Config),
		Network: narrowestNetwork,
		Began:   s.Metrics.CountSignIn, Ended: s.Outbox.Wake, Now: s.Now,
	}
}

// narrowestNetwork returns the address of a request as users see it: an IPv4 address or an IPv6
// /64; empty on a Unix socket without a proxy.
func narrowestNetwork(ctx context.Context) string {
	address := middleware.Address(ctx)
	if !address.IsValid() {
		return ""
	}
	return strings.TrimSuffix(network.List(address)[0].String(), "/32")
}
