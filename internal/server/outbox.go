package server

import (
	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/session"
)

func (a *Server) wireNotices() {
	a.Outbox = outbox.NewCourier(outbox.Config{
		Issuer: a.Config.Issuer, Store: a.Store.Outbox, Clients: a.Clients, Signer: a.Keys, Poster: a.fetcher,
		Subjects: a.subjects, Now: a.Now, Log: a.Log,
	})
	a.sessions = &session.Manager{
		Store: a.Store.Sessions, Sources: a.Store.SignInSources, Cookies: a.Cookies,
		Lifetimes: sessionLifetimes(a.Config), Remembered: rememberedLifetimes(a.Config),
		Began: a.Metrics.CountSignIn, Ended: a.Outbox.Wake, Now: a.Now,
	}
}
