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
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/pkg/resource"
)

// newResource returns the checks of requests to the protected resource of this server at a path.
func newResource(s *Server, path string) (*resource.Server, error) {
	at := s.Config.URL(path)
	protected, err := resource.New(resource.Config{
		Resource: at, Audience: []string{s.Config.Issuer, at}, Tokens: s.OAuth2.AccessTokens, Realm: s.Config.Issuer, Replay: s.usedProofs, FormBody: path == pathUserinfo,
		NonceKeys: nonceKeys(s), RequiresNonce: func(ctx context.Context, token *resource.Token) (bool, error) {
			return requiresNonceByID(ctx, s, token.ClientID)
		},
		URL: func(*http.Request) string { return at }, Alias: aliasOf(s.Config), Certificate: clientCertificate, Now: s.Now,
		SatisfiesACR: func(acr string, values []string) bool {
			_, ok := session.Strongest(acr, values)
			return ok
		},
	})
	if err != nil {
		return nil, fmt.Errorf("protected resource %s: %w", path, err)
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
	protected, err := newResource(s, pathDemo)
	s.demo = &demoresource.Handler{Issuer: s.Config.Issuer, Resource: protected}
	return err
}
