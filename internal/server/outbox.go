package server

import (
	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/session"
)

func composeSessions(s *Server) {
	s.Outbox = outbox.NewDispatcher(outbox.Config{
		Issuer: s.Config.Issuer, Store: s.Store.Outbox, Clients: s.Clients, Signer: s.Keys, Poster: s.fetcher,
		Subjects: s.subjects, Now: s.Now, Log: s.Log,
	})
	s.sessions = &session.Manager{
		Store: s.Store.Sessions, Sources: s.Store.SignInSources, Cookies: s.Cookies,
		Lifetimes: sessionLifetimes(s.Config), Remembered: rememberedLifetimes(s.Config),
		Began: s.Metrics.CountSignIn, Ended: s.Outbox.Wake, Now: s.Now,
	}
}
