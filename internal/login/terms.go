package login

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// Terms are the operator's terms that users accept; the zero value means none.
type Terms struct {
	URL     string
	Version string
}

// TermsStore records which terms users have accepted.
type TermsStore interface {
	AcceptTerms(ctx context.Context, subject, version string, now time.Time) error
}

// page returns the terms on a form, given its previous input. The value of its checkbox is the
// version that the user was shown.
func (t Terms) page(form url.Values) pages.Terms {
	return pages.Terms{URL: t.URL, Version: t.Version, Accepted: form.Get("terms") == t.Version}
}

// accepted returns the terms that the user of a new account has accepted with a form, or a
// [*fieldError] without the current version.
func (t Terms) accepted(form url.Values, now time.Time) (account.AcceptedTerms, error) {
	switch {
	case t.Version == "":
		return account.AcceptedTerms{}, nil
	case form.Get("terms") != t.Version:
		return account.AcceptedTerms{}, &fieldError{"terms", messages.New("terms.required")}
	}
	return account.AcceptedTerms{Version: t.Version, At: now}, nil
}

// AcceptTerms serves the page on which users accept the terms, if they have not accepted the
// current version, before an application gets a response.
type AcceptTerms struct {
	*Config

	flows *flows
}

// Page serves GET /login/terms: request is the ID of the authorization request.
func (h *AcceptTerms) Page(w http.ResponseWriter, r *http.Request) {
	f, err := h.flows.open(r, r.Form.Get("request"))
	switch {
	case err != nil:
		h.flows.fail(w, r, err)
	case f.session == nil || h.Terms.Version == "" || f.session.TermsVersion == h.Terms.Version:
		h.flows.resume(w, f.request.ID)
	default:
		h.Pages.Show(w, f.localize(r), http.StatusOK, pages.AcceptTerms{
			Client: f.shownClient(), Action: h.Issuer + "/login/terms?" + sessionQuery(f.session), Request: f.request.ID,
			Terms: h.Terms.page(nil), Changed: f.session.TermsVersion != "",
		})
	}
}

// Submit serves POST /login/terms: the fields request and terms, the accepted version, or a decision
// to cancel, which signs the user out.
func (h *AcceptTerms) Submit(w http.ResponseWriter, r *http.Request) {
	f, err := h.flows.open(r, r.PostForm.Get("request"))
	if err == nil && f.session != nil && r.URL.Query().Get(sessionParameter) == f.session.ID {
		err = h.decide(r, f)
	}
	// The authorization endpoint returns the user to this page unless the current version is
	// accepted.
	h.flows.end(w, r, f, err)
}

// decide records the decision.
func (h *AcceptTerms) decide(r *http.Request, f *flow) error {
	ctx, subject := r.Context(), f.session.Subject
	if r.PostForm.Get("decision") == "cancel" {
		if _, err := h.SessionManager.End(ctx, f.session.ID); err != nil {
			return fmt.Errorf("end session: %w", err)
		}
		h.Log.LogAttrs(ctx, slog.LevelInfo, "terms declined", slog.String("subject", subject), slog.String("client_id", f.client.ID))
		return h.flows.cancel(ctx, f)
	}
	if h.Terms.Version == "" || r.PostForm.Get("terms") != h.Terms.Version {
		return nil
	}
	if err := h.TermsStore.AcceptTerms(ctx, subject, h.Terms.Version, h.Now()); err != nil {
		return err
	}
	h.Log.LogAttrs(ctx, slog.LevelInfo, "terms accepted", slog.String("subject", subject), slog.String("version", h.Terms.Version))
	return nil
}
