package authorize

import (
	"errors"
	"net/http"

	"github.com/ostiary/ostiary/internal/devicecode"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/pages"
)

// allowDevice inserts the grant, for which the device gets tokens when it polls next. It has
// no session: signing out of this browser does not sign out the device.
//
// Spec: RFC 8628 §3.3.
func (h *Handler) allowDevice(w http.ResponseWriter, r *http.Request, f *flow) {
	ctx, a := r.Context(), f.request
	g := &h.newGrant(f).Grant
	g.Kind, g.SessionID = grant.KindDevice, ""
	err := h.Devices.AllowDevice(ctx, g, f.now)
	if errors.Is(err, devicecode.ErrNotFound) {
		err = errExpired("This device request is already answered, or its code has expired", nil)
	}
	if err != nil {
		h.refuse(w, r, nil, err)
		return
	}
	h.Cookies.UnbindRequest(w, f.stored.ID)
	dropped := a.dropped()
	dropped.Note(ctx, a.client, g)
	if h.DeviceDone != "" {
		httpapi.SeeOther(w, h.DeviceDone)
		return
	}
	h.Pages.DeviceDone(w, r, http.StatusOK, pages.DeviceDone{Client: &pages.Client{Name: a.client.Name(), Tagged: a.client.Localized, Theme: a.client.Theme}})
}
