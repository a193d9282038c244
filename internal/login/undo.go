package login

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/onetimelink"
	"github.com/ostiary/ostiary/internal/pages"
)

// Undo serves the page on which users keep an account that they have asked to delete. They reach
// it by the link in the message, after signing in, or right after the request, each with a
// one-time link.
type Undo struct {
	*Config

	flows *flows
	links *links
}

const undoPage = "undo"

// Page serves GET /undo. With token, it stores the token and redirects. With a stored token, it
// shows when the account is deleted.
func (h *Undo) Page(w http.ResponseWriter, r *http.Request) {
	if h.links.take(w, r) {
		return
	}
	_, a, err := h.open(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.Pages.Show(w, r, http.StatusOK, pages.UndoDeletion{
		Action: h.Issuer + "/undo", Username: a.Name(), DeletesAt: a.DeletesAt(),
	})
}

// Submit serves POST /undo: it enables the account again. The user then signs in.
func (h *Undo) Submit(w http.ResponseWriter, r *http.Request) {
	l, a, err := h.open(r)
	if err == nil {
		err = h.Links.UndoDeletion(r.Context(), l.Link, h.Now())
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.links.cookies.ClearLink(w, undoPage)
	h.Log.LogAttrs(r.Context(), slog.LevelInfo, "deletion of account undone", slog.String("subject", a.Subject))
	h.Pages.Show(w, r, http.StatusOK, pages.DeletionUndone{Username: a.Name(), ContinueURL: cmp.Or(h.AccountURL, h.Issuer+"/")})
}

// open returns the link that the browser opened, and its account, which is to be deleted.
func (h *Undo) open(r *http.Request) (*linked, *account.Account, error) {
	l, err := h.links.open(r, undoPage, onetimelink.UndoDeletion)
	if err != nil {
		return nil, nil, err
	}
	a, err := h.Accounts.Account(r.Context(), l.Subject)
	if errors.Is(err, account.ErrNotFound) || err == nil && a.DeletesAt().IsZero() {
		return nil, nil, onetimelink.ErrInvalid
	}
	return l, a, err
}

// fail shows the error page, and forgets a link that is not valid.
func (h *Undo) fail(w http.ResponseWriter, r *http.Request, err error) {
	h.links.fail(w, r, h.flows, undoPage, "the deletion was undone, or the account is deleted", err)
}

// offerUndo gives the browser of a user, who has just authenticated for an account that is to be
// deleted, a link to undo that, and returns the page.
func (s *links) offerUndo(w http.ResponseWriter, r *http.Request, subject string) (page string, err error) {
	l, token := onetimelink.New(onetimelink.UndoDeletion, subject, "", s.Now())
	if err := s.Links.InsertLink(r.Context(), l); err != nil {
		return "", fmt.Errorf("insert link: %w", err)
	}
	s.cookies.SetLink(w, undoPage, token)
	return s.Issuer + "/undo", nil
}

// OfferUndo is for a user who has just asked to delete the account.
func (s *Service) OfferUndo(w http.ResponseWriter, r *http.Request, subject string) (page string, err error) {
	return s.Undo.links.offerUndo(w, r, subject)
}

// undoDeletion creates a link with which the user keeps the account.
func (s *MailLinks) undoDeletion(ctx context.Context, m *mail.Message, now time.Time) (mail.Secret, error) {
	a, err := s.Accounts.Account(ctx, m.Subject)
	if errors.Is(err, account.ErrNotFound) || err == nil && a.DeletesAt().IsZero() {
		return mail.Secret{}, fmt.Errorf("%w: the account is deleted, or is not to be", mail.ErrUnwanted)
	}
	if err != nil {
		return mail.Secret{}, fmt.Errorf("read account: %w", err)
	}
	key, err := account.AddressKey(m.To)
	if err != nil {
		return mail.Secret{}, err
	}
	l, token := onetimelink.New(onetimelink.UndoDeletion, a.Subject, key, now)
	l.ExpiresAt = a.DeletesAt()
	return s.secret(ctx, l, token)
}
