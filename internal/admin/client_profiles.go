package admin

import (
	"net/http"
	"slices"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/profile"
)

// clientProfileHandler serves the comparison of clients with security profiles.
type clientProfileHandler struct {
	clients ClientStore
	server  profile.Profile
}

func (h *clientProfileHandler) operations() []Operation {
	return []Operation{{
		ID: "checkOAuth2Client", Method: http.MethodGet, Path: "/clients/{id}/check", Scope: apikey.ClientsRead,
		Summary: "List what the registration of a client lacks for each security profile.",
		Query: []Parameter{{
			Name: "profile", Type: "string", Description: "Compare with this profile only: baseline, fapi2-security, fapi2-message-signing or fapi1-advanced.",
		}},
		Responses: map[int]any{http.StatusOK: []client.ProfileCheck{}}, Do: h.check,
	}}
}

// check serves GET /clients/{id}/check.
func (h *clientProfileHandler) check(r *Request) (*Response, error) {
	only := profile.Profile(r.query().Get("profile"))
	if only != "" && !slices.Contains(profile.Profiles(), only) {
		return nil, invalid("The parameter profile must be baseline, fapi2-security, fapi2-message-signing or fapi1-advanced.")
	}
	c, err := h.clients.Client(r.Context(), r.pathValue("id"))
	if err != nil {
		return nil, err
	}
	return ok(c.CheckProfiles(only, h.server)), nil
}
