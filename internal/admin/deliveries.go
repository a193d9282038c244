package admin

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/outbox"
)

// Mails reads and retries the messages to users.
type Mails interface {
	// MailsInState returns messages in a state, the latest attempt first, that follow the message after.
	MailsInState(ctx context.Context, state mail.State, after *mail.Message, limit int) ([]*mail.Message, error)
	// RetryMail returns mail.ErrNotFound for a message that is unknown, being sent, or finished.
	RetryMail(ctx context.Context, id string, now time.Time) error
	RetryFailedMails(ctx context.Context, now time.Time) (int, error)
}

// Notices reads and retries the back-channel logout notices.
type Notices interface {
	// NoticesInState returns notices in a state, ordered by client, that follow the notice after.
	NoticesInState(ctx context.Context, state outbox.State, after *outbox.Notice, limit int) ([]*outbox.Notice, error)
	// RetryNotice returns outbox.ErrNotFound for an unknown or delivered notice.
	RetryNotice(ctx context.Context, id string, now time.Time) error
	RetryFailedNotices(ctx context.Context, now time.Time) (int, error)
}

// deliveryHandler serves the messages to users and the notices to clients.
type deliveryHandler struct {
	mails   Mails
	notices Notices
	now     func() time.Time
}

func (h *deliveryHandler) operations() []Operation {
	list := func(states string) []Parameter {
		return append([]Parameter{{Name: "state", Type: "string", Description: states}}, pageParameters()...)
	}
	return []Operation{{
		ID: "listMails", Method: http.MethodGet, Path: "/mails", Scope: apikey.UsersRead, ReadAction: listUsers,
		Summary:   "List messages to users in one state, without their texts and links, the latest attempt first.",
		Query:     list("pending, failed, sent or discarded; by default failed."),
		Responses: map[int]any{http.StatusOK: []mailView{}}, Do: h.listMails,
	}, {
		ID: "retryMails", Method: http.MethodPost, Path: "/mails/retry", Scope: apikey.UsersWrite, Action: "mail.retry",
		Summary: "Send all failed messages to users again.", Responses: map[int]any{http.StatusOK: retriedView{}}, Do: h.retryMails,
	}, {
		ID: "retryMail", Method: http.MethodPost, Path: "/mails/{id}/retry", Scope: apikey.UsersWrite, Action: "mail.retry",
		Summary: "Send a message to a user again that has failed or waits for its next attempt.", Responses: map[int]any{http.StatusNoContent: nil}, Do: h.retryMail,
	}, {
		ID: "listNotices", Method: http.MethodGet, Path: "/notices", Scope: apikey.SessionsRead,
		Summary:   "List back-channel logout notices in one state, ordered by client.",
		Query:     list("pending, failed or delivered; by default failed."),
		Responses: map[int]any{http.StatusOK: []noticeView{}}, Do: h.listNotices,
	}, {
		ID: "retryNotices", Method: http.MethodPost, Path: "/notices/retry", Scope: apikey.SessionsWrite, Action: "notice.retry",
		Summary: "Send all failed back-channel logout notices again.", Responses: map[int]any{http.StatusOK: retriedView{}}, Do: h.retryNotices,
	}, {
		ID: "retryNotice", Method: http.MethodPost, Path: "/notices/{id}/retry", Scope: apikey.SessionsWrite, Action: "notice.retry",
		Summary: "Send a back-channel logout notice again that is not delivered.", Responses: map[int]any{http.StatusNoContent: nil}, Do: h.retryNotice,
	}}
}

// mailView is a message to a user as the API returns it.
type mailView struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind"`
	To        string    `json:"to" doc:"an email address"`
	Subject   string    `json:"subject,omitempty" doc:"of the account"`
	State     string    `json:"state"`
	Attempts  int       `json:"attempts"`
	Error     string    `json:"last_error,omitempty" doc:"of the last attempt"`
	CreatedAt time.Time `json:"created_at"`
	DueAt     time.Time `json:"due_at" doc:"of the next attempt, or of the end of the last one"`
}

// noticeView is a back-channel logout notice as the API returns it.
type noticeView struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind"`
	ClientID  string    `json:"client_id"`
	State     string    `json:"state"`
	Attempts  int       `json:"attempts"`
	Status    int       `json:"status_code,omitempty" doc:"of the last response"`
	Error     string    `json:"last_error,omitempty" doc:"of the last attempt"`
	CreatedAt time.Time `json:"created_at"`
	DueAt     time.Time `json:"due_at" doc:"of the next attempt, or of the end of the last one"`
}

type retriedView struct {
	Retried int `json:"retried"`
}

// listMails serves GET /mails.
func (h *deliveryHandler) listMails(r *Request) (*Response, error) {
	p, state, err := pageInState(r, mail.Failed, []mail.State{mail.Pending, mail.Failed, mail.Sent, mail.Discarded})
	if err != nil {
		return nil, err
	}
	var after *mail.Message
	if p.After != "" {
		at, id, err := position(p.After)
		if err != nil {
			return nil, err
		}
		after = &mail.Message{ID: id, DueAt: at}
	}
	list, err := h.mails.MailsInState(r.Context(), state, after, p.Size)
	if err != nil {
		return nil, err
	}
	views, last := make([]mailView, len(list)), ""
	for i, m := range list {
		views[i] = mailView{m.ID, string(m.Kind), m.To, m.Subject, string(m.State), m.Attempts, m.LastError, m.CreatedAt.UTC(), m.DueAt.UTC()}
		last = positionOf(m.DueAt, m.ID)
	}
	p.linkNext(len(list), last)
	return ok(views), nil
}

// pageInState returns the requested page of a list, and the state that selects its entries.
func pageInState[S ~string](r *Request, byDefault S, known []S) (*page, S, error) {
	p, err := pageFrom(r, "state")
	if err != nil {
		return nil, "", err
	}
	state := S(r.query().Get("state"))
	if state == "" {
		return p, byDefault, nil
	}
	if !slices.Contains(known, state) {
		return nil, "", invalid("The parameter state is unknown.")
	}
	return p, state, nil
}

// positionOf returns the position of an entry in a list that is ordered by time.
func positionOf(at time.Time, id string) string {
	return strconv.FormatInt(at.UnixMicro(), 10) + " " + id
}

// position parses the result of [positionOf].
func position(text string) (at time.Time, id string, err error) {
	micros, id, _ := strings.Cut(text, " ")
	n, err := strconv.ParseInt(micros, 10, 64)
	if err != nil {
		return at, "", errPageToken
	}
	return time.UnixMicro(n), id, nil
}

// retryMail serves POST /mails/{id}/retry.
func (h *deliveryHandler) retryMail(r *Request) (*Response, error) {
	if err := h.mails.RetryMail(r.Context(), r.pathValue("id"), h.now()); err != nil {
		return nil, err
	}
	return noContent(), nil
}

// retryMails serves POST /mails/retry.
func (h *deliveryHandler) retryMails(r *Request) (*Response, error) {
	n, err := h.mails.RetryFailedMails(r.Context(), h.now())
	if err != nil {
		return nil, err
	}
	return ok(retriedView{n}), nil
}

// listNotices serves GET /notices.
func (h *deliveryHandler) listNotices(r *Request) (*Response, error) {
	p, state, err := pageInState(r, outbox.Failed, outbox.States())
	if err != nil {
		return nil, err
	}
	var after *outbox.Notice
	if p.After != "" {
		at, rest, err := position(p.After)
		if err != nil {
			return nil, err
		}
		id, clientID, _ := strings.Cut(rest, " ")
		after = &outbox.Notice{ID: id, ClientID: clientID, DueAt: at}
	}
	list, err := h.notices.NoticesInState(r.Context(), state, after, p.Size)
	if err != nil {
		return nil, err
	}
	views, last := make([]noticeView, len(list)), ""
	for i, n := range list {
		views[i] = noticeView{n.ID, string(n.Kind), n.ClientID, string(n.State), n.Attempts, n.Status, n.LastError, n.CreatedAt.UTC(), n.DueAt.UTC()}
		last = positionOf(n.DueAt, n.ID+" "+n.ClientID)
	}
	p.linkNext(len(list), last)
	return ok(views), nil
}

// retryNotice serves POST /notices/{id}/retry.
func (h *deliveryHandler) retryNotice(r *Request) (*Response, error) {
	if err := h.notices.RetryNotice(r.Context(), r.pathValue("id"), h.now()); err != nil {
		return nil, err
	}
	return noContent(), nil
}

// retryNotices serves POST /notices/retry.
func (h *deliveryHandler) retryNotices(r *Request) (*Response, error) {
	n, err := h.notices.RetryFailedNotices(r.Context(), h.now())
	if err != nil {
		return nil, err
	}
	return ok(retriedView{n}), nil
}
