package main

import (
	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/session"
)

func (a *app) wireNotices() {
	a.courier = outbox.NewCourier(outbox.Config{
		Issuer: a.config.Issuer, Store: a.store, Clients: a.clients, Signer: a.keys, Poster: a.fetcher,
		Subjects: a.subjects, Now: a.now, Log: a.log,
	})
	a.sessions = &session.Manager{
		Store: a.store, Sources: a.store, Cookies: a.cookies,
		Lifetimes: sessionLifetimes(a.config), Remembered: rememberedLifetimes(a.config),
		Began: a.metrics.CountSignIn, Ended: a.courier.Wake, Now: a.now,
	}
}
