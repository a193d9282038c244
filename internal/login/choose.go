package login

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/pages"
)

// chooses reports whether the person who is signed in is asked whether it is them
// who goes on: where the client wants that asked, or where they were about to make
// another account.
func (v *visit) chooses() bool {
	return v.session != nil && (v.prompts("select_account") || v.prompts("create")) && v.request.SessionID != v.session.ID
}

// confirms reports whether the person who is signed in is asked to prove it
// again. Whoever signed in for the request and is back was not the one asked for,
// so that somebody else may sign in.
func (v *visit) confirms() bool {
	return v.session != nil && !v.chooses() &&
		(v.request.SignedInAt.IsZero() || v.request.SessionID != v.session.ID)
}

// choosePage offers to go on as who is signed in.
func (h *Handler) choosePage(w http.ResponseWriter, r *http.Request, v *visit) {
	person, err := h.person(r.Context(), v.session.Subject)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.Pages.Choose(w, http.StatusOK, pages.Choose{
		Client:  v.shownClient(),
		Action:  h.Issuer + "/login?" + shownTo + "=" + url.QueryEscape(v.session.ID),
		Request: v.request.ID, Person: person, Username: v.session.Username, OtherURL: h.anotherURL(v),
	})
}

// carryOn notes that the person goes on in the session they have. It proves
// nothing: whether they must prove who they are is for the authorization endpoint
// to decide, as it is what to do if they signed out meanwhile, or somebody else
// signed in in another tab.
func (h *Handler) carryOn(w http.ResponseWriter, r *http.Request, v *visit) {
	ctx := r.Context()
	if v.session != nil && r.URL.Query().Get(shownTo) == v.session.ID {
		err := h.Requests.RecordChoice(ctx, v.request.ID, v.session.ID, h.Now())
		switch {
		case errors.Is(err, authrequest.ErrNotFound):
			h.fail(w, r, h.expired("run out while choosing", v.client))
			return
		case err != nil:
			h.fail(w, r, fmt.Errorf("record choice: %w", err))
			return
		}
		h.Log.LogAttrs(ctx, slog.LevelInfo, "account chosen",
			slog.String("subject", v.session.Subject), slog.String("client_id", v.client.ID))
	}
	h.back(w, v)
}
