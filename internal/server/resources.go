package server

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/ostiary/ostiary/internal/clientcert"
	"github.com/ostiary/ostiary/internal/demoresource"
	"github.com/ostiary/ostiary/internal/dpop"
	"github.com/ostiary/ostiary/internal/middleware"
	"github.com/ostiary/ostiary/internal/profile"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/pkg/resource"
)

// ownResource is a protected resource of this server.
type ownResource struct {
	// path is that of the resource below the issuer. It is empty for the admin API.
	path, name string
	scopes     []string // that clients may need; nil for none in particular
	formBody   bool     // also accepts the token in a form
}

// newResource returns the checks of requests to a resource, and publishes its metadata: at the public
// listener for a resource below the issuer, else at the admin listener.
//
// Spec: RFC 9728 §2, §3.
func newResource(s *Server, of ownResource) (*resource.Server, error) {
	c := resource.Config{
		Resource: s.Config.URL(of.path), Name: of.name, Scopes: of.scopes, FormBody: of.formBody, AuthorizationServers: []string{s.Config.Issuer},
		Tokens: s.OAuth2.AccessTokens, Realm: s.Config.Issuer, Replay: s.usedProofs, Now: s.Now,
		Alias: aliasOf(s.Config), Certificate: clientCertificate, CertificateBoundTokens: s.Config.MutualTLS.Header != "" || s.Config.MutualTLS.Listen != "" && of.path != "",
		NonceKeys: nonceKeys(s), RequiresNonce: func(ctx context.Context, token *resource.Token) (bool, error) {
			nonce, _, err := proofNeeds(ctx, s, token.ClientID)
			return nonce, err
		},
		AllowsProof: func(ctx context.Context, token *resource.Token, algorithm string) error {
			_, p, err := proofNeeds(ctx, s, token.ClientID)
			if rule, required := p.Requires(profile.Algorithms); err == nil && required && !p.AllowsAlgorithm(algorithm) {
				return refusal.ByProfile(rule).WithError(resource.ErrInactive)
			}
			return err
		},
		SatisfiesACR: func(acr string, values []string) bool {
			_, ok := session.Strongest(acr, values)
			return ok
		},
	}
	at := c.Resource
	c.URL = func(*http.Request) string { return at }
	if of.path == "" {
		c.Realm, c.URL = "", nil
		if c.Resource = s.Config.AdminRoot(); c.Resource == "" { // there is no URL for metadata and for proofs
			c.Resource, c.AuthorizationServers, c.URL = s.Config.Issuer, nil, func(*http.Request) string { return "" }
		}
	}
	c.Audience = []string{s.Config.Issuer, c.Resource}
	protected, err := resource.New(c)
	if err != nil {
		return nil, fmt.Errorf("protected resource %s: %w", of.name, err)
	}
	metadata, err := protected.MetadataHandler()
	switch {
	case err != nil:
		return nil, fmt.Errorf("protected resource %s: %w", of.name, err)
	case len(c.AuthorizationServers) > 0:
		s.resources = append(s.resources, publishedResource{of.path, c.Resource, metadata})
	}
	return protected, nil
}

// clientCertificate returns the client certificate of a request, nil for none.
func clientCertificate(r *http.Request) *x509.Certificate {
	c := clientcert.Of(r)
	if c == nil {
		return nil
	}
	return c.Certificate
}

// publishedResource is a resource with the handler of its metadata.
type publishedResource struct {
	path, id string
	metadata http.Handler
}

// pathResourceMetadata is the path of the metadata of resources, before their own paths.
const pathResourceMetadata = "/.well-known/oauth-protected-resource"

// mountResourceMetadata mounts the metadata of the resources of a listener: those with a path, or the
// one without.
func mountResourceMetadata(s *Server, r chi.Router, public bool) {
	for _, published := range s.resources {
		if (published.path != "") == public {
			r.Handle(pathResourceMetadata+published.path, published.metadata)
		}
	}
}

// publicResources returns the identifiers of the resources of the public listener.
func publicResources(s *Server) (ids []string) {
	for _, published := range s.resources {
		if published.path != "" {
			ids = append(ids, published.id)
		}
	}
	return ids
}

// mountDemoResource mounts the demo resource if it is on.
func mountDemoResource(s *Server, r chi.Router) {
	if s.demo == nil {
		return
	}
	r.With(
		middleware.CORS(http.MethodGet),
		middleware.Form(middleware.FormRule{Methods: []string{http.MethodGet}, Query: true}),
		s.admission.checks.Handler,
	).Handle(pathDemo, s.demo)
}

func composeResources(s *Server) error {
	s.usedProofs = &dpop.Seen{}
	if !s.Config.DemoResource {
		return nil
	}
	protected, err := newResource(s, ownResource{path: pathDemo, name: "Demo resource"})
	s.demo = &demoresource.Handler{Issuer: s.Config.Issuer, Resource: protected}
	return err
}
