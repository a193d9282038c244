package factors

import (
	"net/http"
	"strings"

	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/recoverycode"
)

// RecoveryCodes serves the page of the recovery codes.
type RecoveryCodes struct{ *Config }

// Page serves GET /account/recovery-codes: how many codes are left.
func (h *RecoveryCodes) Page(w http.ResponseWriter, r *http.Request) {
	s, ok := h.Session(w, r, false)
	if !ok {
		return
	}
	set, err := h.Factors.Enrolled(r.Context(), s.Subject)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.Pages.Show(w, r, http.StatusOK, pages.RecoveryCodes{
		Action: h.Issuer + RecoveryCodesPath, Left: set.RecoveryCodes.Left, CreatedAt: set.RecoveryCodes.CreatedAt,
	})
}

// Submit serves POST /account/recovery-codes: the field generate shows new codes, once; the
// fields download and codes return the shown codes as a file.
func (h *RecoveryCodes) Submit(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.PostForm.Has("download"):
		h.download(w, r)
		return
	case !r.PostForm.Has("generate"):
		httpapi.SeeOther(w, h.Issuer+RecoveryCodesPath)
		return
	}
	s, ok := h.Session(w, r, true)
	if !ok {
		return
	}
	codes, err := h.Factors.GenerateRecoveryCodes(r.Context(), s.Subject, h.Now())
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.Pages.Show(w, r, http.StatusOK, pages.NewRecoveryCodes{
		Action: h.Issuer + RecoveryCodesPath, Codes: codes, NextURL: h.Issuer + RecoveryCodesPath,
	})
}

// download returns the codes that the page has posted as a text file, without other text.
func (h *RecoveryCodes) download(w http.ResponseWriter, r *http.Request) {
	var file strings.Builder
	for i, shown := range strings.Fields(r.PostForm.Get("codes")) {
		if code, ok := recoverycode.Parse(shown); ok && i < recoverycode.Count {
			file.WriteString(recoverycode.Format(code) + "\n")
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="recovery-codes.txt"`)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(file.String())) // the client may have disconnected
}
