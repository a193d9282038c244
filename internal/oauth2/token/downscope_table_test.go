package token

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/scope"
)

func TestDownscope(t *testing.T) {
	t.Parallel()
	granted := &grant.WithAccount{Grant: grant.Grant{
		Scopes: []string{"openid", "api", "email"}, Resources: []string{"https://a.example", "https://b.example"},
	}}
	for name, tc := range map[string]struct {
		scope, resource string   // of the request
		client          string   // its scopes now
		audience        []string // its resources now
		scopes          []string
		resources       []string
		notAllowed      []string
		code            string
	}{
		"all of it": {
			client: "openid api email", audience: granted.Resources, scopes: granted.Scopes, resources: granted.Resources,
		},
		"the part that is requested": {
			scope: "api", resource: "https://b.example", client: "openid api email", audience: granted.Resources,
			scopes: []string{"api"}, resources: []string{"https://b.example"},
		},
		"the part that the client still has": {
			client: "openid api", audience: []string{"https://a.example"},
			scopes: []string{"openid", "api"}, resources: []string{"https://a.example"}, notAllowed: []string{"email"},
		},
		"a scope that was not granted": {
			scope: "api admin", client: "openid api email admin", audience: granted.Resources, code: oauth2.CodeInvalidScope,
		},
		"a scope that the client no longer has": {
			scope: "email", client: "openid api", audience: granted.Resources, code: oauth2.CodeInvalidScope,
		},
		"a resource that was not granted": {
			resource: "https://c.example", client: "openid api email", audience: append(slices.Clone(granted.Resources), "https://c.example"),
			code: oauth2.CodeInvalidTarget,
		},
		"no resource that the client still has": {
			client: "openid api email", audience: nil, code: oauth2.CodeInvalidTarget,
		},
	} {
		c := &client.Client{ID: "rp"}
		c.Scope, c.Audience = tc.client, tc.audience
		x := &Exchange{Client: c, Registered: scope.NewSet(nil, nil, nil), Form: url.Values{"resource": {tc.resource}}}
		b := &Basis{Grant: granted}
		if tc.scope != "" {
			b.RequestedScopes = strings.Fields(tc.scope)
		}
		access, dropped, err := x.downscope(b)
		if tc.code != "" {
			if response, _ := errors.AsType[*oauth2.Error](err); response == nil || response.Code != tc.code {
				t.Errorf("%s: %v, want %s", name, err, tc.code)
			}
			continue
		}
		if err != nil || !slices.Equal(access.Scopes, tc.scopes) || !slices.Equal(access.Resources, tc.resources) {
			t.Errorf("%s: scopes %q and resources %q, %v, want %q and %q", name, access.Scopes, access.Resources, err, tc.scopes, tc.resources)
		}
		if !slices.Equal(dropped.NotAllowed, tc.notAllowed) {
			t.Errorf("%s: dropped %q, want %q", name, dropped.NotAllowed, tc.notAllowed)
		}
	}
}
