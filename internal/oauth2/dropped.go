package oauth2

import (
	"context"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/refusal"
)

// Dropped lists scopes, claims and resources of the request or the grant that a successful
// response lacks. It only has registered names: unregistered names may have any content.
type Dropped struct {
	NotAllowed    []string // scopes that the client may not have
	NotGranted    []string // scopes that the user or the consent app did not grant
	NotApplicable []string // scopes without a meaning in this flow
	Unknown       int64    // number of scopes that are not registered
	Claims        []string
	Resources     []string
	Details       []string // types of authorization details
}

func (d *Dropped) isEmpty() bool {
	return len(d.NotAllowed)+len(d.NotGranted)+len(d.NotApplicable)+len(d.Claims)+len(d.Resources)+len(d.Details) == 0 && d.Unknown == 0
}

// Note leaves an explanation of a successful response for the log, if the response lacks
// something. The grant is nil for tokens without a user.
//
// Spec: RFC 6749 §3.3, OpenID Connect Core §5.5.
func (d *Dropped) Note(ctx context.Context, c *client.Client, g *grant.Grant) {
	if d.isEmpty() {
		return
	}
	words := "the user or the consent app granted less than the client requested"
	switch {
	case len(d.NotAllowed)+len(d.Claims)+len(d.Resources)+len(d.Details) > 0 || d.Unknown > 0:
		words = "the client may not have all that it requested or was granted"
	case len(d.NotApplicable) > 0:
		words = "a scope has no meaning in this flow: offline_access without a code, or a scope about a user without one"
	}
	cause := refusal.New(refusal.ScopesDropped, words)
	if g != nil {
		cause = cause.WithGrant(g.ID.String())
	}
	for _, list := range []struct {
		name  string
		names []string
	}{
		{"scopes_not_allowed", d.NotAllowed},
		{"scopes_not_granted", d.NotGranted},
		{"scopes_not_applicable", d.NotApplicable},
		{"claims_dropped", d.Claims},
		{"resources_dropped", d.Resources},
		{"details_dropped", d.Details},
	} {
		if len(list.names) > 0 {
			cause.Attrs = append(cause.Attrs, refusal.Registered(list.name, strings.Join(list.names, " ")))
		}
	}
	if d.Unknown > 0 {
		cause.Attrs = append(cause.Attrs, refusal.Number("scopes_unknown", d.Unknown))
	}
	cause.Attrs = append(cause.Attrs, refusal.Registered("client_scopes", strings.Join(c.Scopes(), " ")))
	refusal.Note(ctx, refusal.Rejection{Message: "scopes dropped", Err: cause, Succeeded: true, Flood: true})
}

// Missing returns the values of list, each once, that are not in present.
func Missing(list, present []string) (missing []string) {
	for _, value := range list {
		if !slices.Contains(present, value) && !slices.Contains(missing, value) {
			missing = append(missing, value)
		}
	}
	return missing
}
