package account

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/session"
)

// rows is the number of rows of a list on one page.
const rows = 25

// sessions serves GET /account/sessions: after is the position of the last session of the
// previous page.
func (c *Console) sessions(v *visit) error {
	after := position(v.r.Form.Get("after"))
	list, err := c.Sessions.RecentSessions(v.r.Context(), v.session.Subject, after, rows+1, v.now)
	if err != nil {
		return err
	}
	content := pages.AccountSessions{Action: c.url("/sessions"), SignOutURL: c.SignOut, Current: v.sessionRow(v.session)}
	if after != nil {
		content.NewestURL = content.Action
	}
	if len(list) > rows {
		last := list[rows-1]
		list = list[:rows]
		content.OlderURL = content.Action + "?after=" + url.QueryEscape(strconv.FormatInt(last.SeenAt.UnixMicro(), 10)+"."+last.ID)
	}
	for _, s := range list {
		if s.ID != v.session.ID {
			content.Others = append(content.Others, v.sessionRow(s))
		}
	}
	return v.show(content)
}

// position parses where a page of the list begins; nil for the first one.
func position(text string) *session.Session {
	at, id, _ := strings.Cut(text, ".")
	micros, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return nil
	}
	return &session.Session{SeenAt: time.UnixMicro(micros), ID: id}
}

func (v *visit) sessionRow(s *session.Session) pages.SessionRow {
	return pages.SessionRow{ID: s.ID, Origin: s.Origin, Since: v.when(s.CreatedAt), Seen: v.when(s.SeenAt)}
}

// endSessions serves POST /account/sessions: end is the ID of a session, end_others ends all but
// this one. The grants that began in an ended session end with it.
func (c *Console) endSessions(v *visit) error {
	ctx := v.r.Context()
	if v.r.PostForm.Get("end_others") != "" {
		n, err := c.SessionManager.EndOthers(ctx, v.session.Subject, v.session.ID)
		if err != nil {
			return err
		}
		return v.done("/sessions", count("account.sessions.others-ended", n))
	}
	err := c.SessionManager.EndOf(ctx, v.session.Subject, v.r.PostForm.Get("end"))
	if errors.Is(err, session.ErrNotFound) {
		return errNotFound
	}
	if err != nil {
		return err
	}
	return v.done("/sessions", messages.New("account.sessions.ended"))
}

func (c *Console) sessionsCard(v *visit) (messages.Message, error) {
	n, err := c.Sessions.CountSessions(v.r.Context(), v.session.Subject, v.now)
	return count("account.sessions.card", n), err
}
