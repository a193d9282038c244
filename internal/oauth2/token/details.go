package token

import (
	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/refusal"
)

// narrowedDetails returns the details that the request names, or all that are allowed. A request for more
// is an error.
//
// Spec: RFC 9396 §6, §6.1.
func (x *Exchange) narrowedDetails(b *Basis, allowed detail.List) (detail.Limits, error) {
	raw := x.Form.Get(detail.Parameter)
	if raw == "" {
		return detail.Limits{Listed: true, List: allowed}, nil
	}
	types := x.Registered.Details()
	requested, err := types.Read(raw, x.Client.AuthorizationDetailsTypes)
	if err != nil {
		return detail.Limits{}, err
	}
	if !types.Narrow(allowed, requested) {
		cause := refusal.New(refusal.DetailsInvalid, "the request names authorization details that were not granted, or that the client may no longer have")
		if g := b.grant(); g != nil {
			cause = cause.WithGrant(g.ID.String())
		}
		return detail.Limits{}, oauth2.StandardError(oauth2.CodeInvalidDetails).Because(cause)
	}
	return detail.Limits{Listed: true, List: requested}, nil
}

// requestedDetails returns the details that the client requests for itself. Their types request the
// resources to which they belong.
//
// Spec: RFC 9396 §5, §6.
func (x *Exchange) requestedDetails() (detail.List, error) {
	raw := x.Form.Get(detail.Parameter)
	if raw == "" {
		return nil, nil
	}
	types := x.Registered.Details()
	requested, err := types.Read(raw, x.Client.AuthorizationDetailsTypes)
	if err == nil {
		x.Form = oauth2.WithResources(x.Form, types.Resources(requested))
	}
	return requested, err
}
