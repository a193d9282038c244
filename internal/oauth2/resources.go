package oauth2

import (
	"strings"

	"github.com/ostiary/ostiary/internal/apiresource"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/scope"
)

// RequestedResources returns the resources that the parameters resource and audience name, each once,
// as they are declared, or registered for the client. One that the client may not request is
// invalid_target. It is the check of each endpoint that starts with a new request.
//
// Spec: RFC 8707 §2.
func RequestedResources(form map[string][]string, registered *scope.Set, c *client.Client) ([]string, error) {
	named, err := namedResources(form)
	if err != nil || len(named) == 0 {
		return nil, err
	}
	allowed := registered.RequestableResources(c)
	resources := apiresource.Within(named, allowed)
	if missing := notIn(named, allowed); len(missing) > 0 {
		return nil, StandardError(CodeInvalidTarget).Because(refusal.New(refusal.ResourceNotAllowed, "the client may not request a resource", refusal.Registered(refusal.ParameterAttr, "resource"),
			refusal.Received("requested_resources", strings.Join(missing, " ")), refusal.Registered("client_resources", strings.Join(allowed, " "))))
	}
	return resources, nil
}

// NarrowResources returns those of the granted resources that the parameters resource and audience
// name, or all of them if none is named. It returns false if another one is named.
//
// Spec: RFC 8707 §2.2.
func NarrowResources(form map[string][]string, granted []string) (resources []string, ok bool, err error) {
	named, err := namedResources(form)
	if err != nil || len(named) == 0 {
		return granted, true, err
	}
	return apiresource.Within(named, granted), len(notIn(named, granted)) == 0, nil
}

// CheckTarget returns an error unless one access token may be for all of the resources. isBound says
// whether the token is bound to a key or certificate of the client.
//
// Spec: RFC 8707 §2.2.
func CheckTarget(registered *scope.Set, resources []string, isBound bool) error {
	policy, err := registered.Resources().PolicyOf(resources)
	switch {
	case err != nil:
		return NewError(CodeInvalidTarget, "No access token may be for all of these resources. Name fewer of them with resource").
			Because(refusal.New(refusal.ResourcesNotShared, "no access token may be for all of the resources",
				refusal.Registered(refusal.ParameterAttr, "resource"), refusal.Registered("resources", strings.Join(resources, " "))))
	case policy.RequireSenderConstraint && !isBound:
		return InvalidRequest("The resource requires an access token that is bound to a key or certificate of the client, and the request proves none").
			Because(refusal.New(refusal.ResourceNeedsBinding, "the resource requires a token that is bound to a key or certificate, and the request proves none",
				refusal.Registered(refusal.ParameterAttr, "resource"), refusal.Registered("resources", strings.Join(resources, " "))))
	}
	return nil
}

// namedResources returns the values of the parameters. Those of resource must be absolute URIs without a
// fragment; audience can be any text, as for Ory Hydra.
func namedResources(form map[string][]string) ([]string, error) {
	for _, value := range form["resource"] {
		if value != "" && !apiresource.IsIdentifier(value) {
			return nil, NewError(CodeInvalidTarget, "A resource must be an absolute URI without a fragment").
				Because(refusal.New(refusal.ResourceMalformed, "a resource is not an absolute URI without a fragment",
					refusal.Registered(refusal.ParameterAttr, "resource")))
		}
	}
	return apiresource.Requested(form), nil
}

// notIn returns the resources of list that are not in allowed.
func notIn(list, allowed []string) (missing []string) {
	for _, one := range list {
		if _, ok := apiresource.Find(allowed, one); !ok {
			missing = append(missing, one)
		}
	}
	return missing
}
