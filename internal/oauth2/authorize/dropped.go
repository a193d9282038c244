package authorize

import (
	"context"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/scope"
)

// droppedAccess is what a successful response lacks of the request or the grant. It names
// only what is registered: other names came with the request and may be anything.
type droppedAccess struct {
	notAllowed    []string // scopes that the client may not have
	notGranted    []string // scopes that the user or the consent app did not grant
	notApplicable []string // scopes that mean nothing in this flow
	unknown       int64    // scopes that nobody registered
	claims        []string
	resources     []string
}

func (d *droppedAccess) empty() bool {
	return len(d.notAllowed)+len(d.notGranted)+len(d.notApplicable)+len(d.claims)+len(d.resources) == 0 && d.unknown == 0
}

// dropped returns what the answer to an authorization request grants less than requested.
func (a *asked) dropped() droppedAccess {
	d := droppedAccess{resources: lacking(oauth2.Resources(a.form), a.access.Resources)}
	if a.form.Get("claims") != "" {
		if request, err := scope.ParseClaimsRequest(a.form.Get("claims")); err == nil {
			d.claims = a.known.DroppedClaims(request, a.access.Claims)
		}
	}
	if !a.grantsLess() {
		return d
	}
	allowed := a.known.Allowed(a.client)
	for _, name := range lacking(strings.Fields(a.form.Get("scope")), a.access.Scopes) {
		switch {
		case grant.IsOfflineScope(name) && !a.answers.has(answerCode):
			d.notApplicable = append(d.notApplicable, name)
		case slices.Contains(allowed, name):
			d.notGranted = append(d.notGranted, name)
		case a.known.Get(name) != nil || slices.Contains(a.client.Scopes(), name):
			d.notAllowed = append(d.notAllowed, name)
		default:
			d.unknown++
		}
	}
	return d
}

// dropped returns what the tokens of a unit lack: of its grant, what the client may no
// longer have, and of a request without a grant, the scopes that are about a user.
func (u *unit) dropped() droppedAccess {
	if u.held == nil {
		requested := strings.Fields(u.form.Get("scope"))
		return droppedAccess{notApplicable: lacking(requested, oauth2.WithoutUserScopes(requested))}
	}
	return droppedAccess{
		notAllowed: lacking(u.held.Scopes, u.allowed.Scopes), resources: lacking(u.held.Resources, u.allowed.Resources),
		claims: u.known.DroppedClaims(u.granted, u.allowed.Claims),
	}
}

// noteDropped explains what the token response lacks.
func (u *unit) noteDropped(ctx context.Context) {
	var held *grant.ID
	if u.held != nil {
		held = &u.held.ID
	}
	noteDropped(ctx, u.dropped(), u.client, held)
}

// noteDropped leaves an explanation of a successful response for the edge, if it lacks
// something. The grant may be nil. It costs no statement.
//
// Spec: RFC 6749 §3.3, OpenID Connect Core §5.5.
func noteDropped(ctx context.Context, d droppedAccess, c *client.Client, held *grant.ID) {
	if d.empty() {
		return
	}
	words := "the user or the consent app granted less than the client requested"
	switch {
	case len(d.notAllowed)+len(d.claims)+len(d.resources) > 0 || d.unknown > 0:
		words = "the client may not have all that it requested or was granted"
	case len(d.notApplicable) > 0:
		words = "a scope means nothing in this flow: offline_access without a code, or a scope about a user without one"
	}
	cause := refusal.New(refusal.ScopesDropped, words)
	if held != nil {
		cause = cause.WithGrant(held.String())
	}
	for _, list := range []struct {
		name  string
		names []string
	}{
		{"scopes_not_allowed", d.notAllowed},
		{"scopes_not_granted", d.notGranted},
		{"scopes_not_applicable", d.notApplicable},
		{"claims_dropped", d.claims},
		{"resources_dropped", d.resources},
	} {
		if len(list.names) > 0 {
			cause.Attrs = append(cause.Attrs, refusal.Registered(list.name, strings.Join(list.names, " ")))
		}
	}
	if d.unknown > 0 {
		cause.Attrs = append(cause.Attrs, refusal.Number("scopes_unknown", d.unknown))
	}
	cause.Attrs = append(cause.Attrs, refusal.Registered("client_scopes", strings.Join(c.Scopes(), " ")))
	refusal.Note(ctx, refusal.Rejection{Message: "scopes dropped", Err: cause, Succeeded: true, Flood: true})
}

// lacking returns those of list, each once, that are not in present.
func lacking(list, present []string) (missing []string) {
	for _, name := range list {
		if !slices.Contains(present, name) && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
	}
	return missing
}
