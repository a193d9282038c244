package account

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/datafile"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// DataFiles makes the data files of accounts, as [datafile.Service] does.
type DataFiles interface {
	Request(ctx context.Context, subject string, now time.Time) error
	File(ctx context.Context, subject string, now time.Time) (*datafile.File, error)
	Content(ctx context.Context, subject string, now time.Time) ([]byte, error)
}

// data serves GET /account/data: the file of the account, whether it is being made, or neither.
func data(v *visit) error { return showData(v, http.StatusOK, messages.Message{}) }

func showData(v *visit, status int, fault messages.Message) error {
	page := pages.AccountData{Action: v.console.url("/data")}
	if !fault.IsZero() {
		page.Faults = []pages.Fault{{Text: fault}}
	}
	f, err := v.console.DataFiles.File(v.r.Context(), v.session.Subject, v.now)
	switch {
	case errors.Is(err, datafile.ErrNotFound):
	case err != nil:
		return err
	case f.MadeAt.IsZero():
		page.Waiting = true
	default:
		page.FileURL, page.MadeAt = v.console.url("/data/file"), v.when(f.MadeAt)
	}
	return v.refuse(status, page)
}

// requestData serves POST /account/data: it starts to make the file.
func requestData(v *visit) error {
	err := v.console.DataFiles.Request(v.r.Context(), v.session.Subject, v.now)
	if errors.Is(err, datafile.ErrTooMany) {
		v.w.Header().Set("Retry-After", "600")
		return showData(v, http.StatusTooManyRequests, messages.New("account.data.too-many"))
	}
	if err == nil {
		httpapi.SeeOther(v.w, v.console.url("/data"))
	}
	return err
}

// dataFile serves GET /account/data/file: everything that is stored about the account, as JSON.
// Without a file it leads to the page that makes one.
func dataFile(v *visit) error {
	text, err := v.console.DataFiles.Content(v.r.Context(), v.session.Subject, v.now)
	if errors.Is(err, datafile.ErrNotFound) {
		httpapi.SeeOther(v.w, v.console.url("/data"))
		return nil
	}
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="account.json"`)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = v.w.Write(text) // it fails only if the browser has closed the connection
	return nil
}
