package admin

import (
	"context"
	"errors"
	"net/url"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/session"
)

// sessions serves GET /console/sessions: subject selects the sessions of one user, after is the ID
// of the last session of the previous page.
func sessions(v *visit) error {
	c, subject, after := v.console, v.r.Form.Get("subject"), v.r.Form.Get("after")
	if err := v.recordRead(subject); err != nil {
		return err
	}
	list, err := c.Sessions.ListSessions(v.r.Context(), subject, after, rows+1, v.now)
	if err != nil {
		return err
	}
	content := pages.ConsoleSessions{Action: c.Root + "/sessions", Subject: subject, MayEnd: v.holds(apikey.SessionsWrite)}
	query := url.Values{}
	if subject != "" {
		query.Set("subject", subject)
	}
	if after != "" {
		content.NewestURL = withQuery(content.Action, query)
	}
	if len(list) > rows {
		list = list[:rows]
		query.Set("after", list[rows-1].ID)
		content.OlderURL = withQuery(content.Action, query)
	}
	for _, s := range list {
		content.Sessions = append(content.Sessions, pages.UserSessionRow{
			ID: s.ID, Subject: s.Subject, User: s.Username, ACR: s.ACR, Origin: s.Origin, Since: v.when(s.CreatedAt), Seen: v.when(s.SeenAt), Own: s.ID == v.session.ID,
		})
	}
	return v.show(content)
}

// endSession serves POST /console/sessions: end is the ID of a session. The grants that began in the
// session end with it.
func endSession(v *visit) error {
	id := v.r.PostForm.Get("end")
	_, err := v.console.Sessions.Session(v.r.Context(), id, v.now)
	if errors.Is(err, session.ErrNotFound) {
		return v.done("/sessions", messages.New("console.sessions.had-ended"))
	}
	if err != nil {
		return err
	}
	if _, err := v.call(Call{Operation: "revokeOAuth2LoginSessions", Query: url.Values{"sid": {id}}}, nil); err != nil {
		return err
	}
	return v.done("/sessions", messages.New("account.sessions.ended"))
}

// recordRead records that support reads sessions, as the admin API does for its operations: this page
// reads the store.
func (v *visit) recordRead(subject string) error {
	if v.account.AdminRole != account.Support {
		return nil
	}
	return v.change("user.list", subject, func(context.Context) error { return nil })
}
