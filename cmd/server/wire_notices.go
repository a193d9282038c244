package main

import (
	"context"
	"time"

	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
)

func (a *app) wireNotices() {
	a.courier = outbox.NewCourier(outbox.Config{
		Issuer: a.config.Issuer, Store: a.store, Clients: a.clients, Signer: a.keys, Poster: a.fetcher,
		Subjects: a.subjects, Now: a.now, Log: a.log,
	})
	a.sessions = sessions{a.store, a.courier, a.metrics.SignedIn}
}

// sessions ends sessions in the store and lets the courier of this process know at
// once. Whatever else ends one, the courier finds the notices soon.
type sessions struct {
	*store.Store

	courier  *outbox.Courier
	signedIn func() // counts
}

func (s sessions) EndSession(ctx context.Context, id string, now time.Time) ([]string, error) {
	defer s.courier.Wake()
	return s.Store.EndSession(ctx, id, now)
}

func (s sessions) EndSessionsOf(ctx context.Context, subject string, now time.Time) (int, error) {
	defer s.courier.Wake()
	return s.Store.EndSessionsOf(ctx, subject, now)
}

func (s sessions) InsertSession(ctx context.Context, n *session.Session, replaces []byte) error {
	if replaces != nil {
		defer s.courier.Wake()
	}
	err := s.Store.InsertSession(ctx, n, replaces)
	if err == nil {
		s.signedIn()
	}
	return err
}

func (s sessions) RenewSession(ctx context.Context, oldCookie []byte, n *session.Session) error {
	err := s.Store.RenewSession(ctx, oldCookie, n)
	if err == nil {
		s.signedIn()
	}
	return err
}
