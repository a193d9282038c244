package authorize

import (
	"errors"

	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/oauth2"
)

// checkDetails reads the requested authorization details. Their types request the resources to which
// they belong, which checkResource checks.
//
// Spec: RFC 9396 §2, §3, §5.
func checkDetails(_ *Requests, a *AuthorizationRequest) error {
	raw := a.form.Get(detail.Parameter)
	if raw == "" {
		return nil
	}
	types := a.registered.Details()
	list, err := types.Read(raw, a.client.AuthorizationDetailsTypes)
	if invalid, ok := errors.AsType[*detail.InvalidError](err); ok {
		return oauth2.InvalidDetails(invalid)
	}
	if err != nil {
		return err
	}
	a.requested.Details = list
	a.form = oauth2.WithResources(a.form, types.Resources(list))
	a.form.Set(detail.Parameter, list.Text())
	return nil
}
