package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"

	"github.com/ostiary/ostiary/internal/passkey"
)

const (
	pathPasskey        = "/login/passkey"
	pathPasskeyOptions = "/login/passkey/options" //nolint:gosec // a path
	pathPasskeyCreate  = "/login/passkey/create"  //nolint:gosec // a path
	// At the root of the host also for an issuer with a path.
	pathPasskeyEndpoints = "/.well-known/passkey-endpoints" //nolint:gosec // a path
)

// composePasskeys creates the relying party of passkeys. They are off if users sign in with
// a custom app, or if the host of the issuer is an IP address, which no browser accepts.
func composePasskeys(ctx context.Context, s *Server) error {
	c := s.Config
	if c.LoginURL != "" {
		return nil
	}
	if !passkey.Supports(c.Issuer) {
		s.Log.LogAttrs(ctx, slog.LevelWarn, "passkeys are off: they need an issuer with a host name, and not an IP address",
			slog.String("issuer", c.Issuer))
		return nil
	}
	key, err := s.Store.Seeds.Seed(ctx, "passkey user handle")
	if err != nil {
		return err
	}
	issuer, err := url.Parse(c.Issuer)
	if err != nil {
		return fmt.Errorf("parse issuer: %w", err)
	}
	s.relyingParty, err = passkey.New(passkey.Config{
		ID: issuer.Hostname(), Origin: c.Origin(), Name: s.pages.Name, Keyring: s.Secrets, HandleKey: key, Now: s.Now,
	})
	return err
}

// mountPasskeys mounts the requests of the sign-in page's script and the page that creates a
// passkey.
func mountPasskeys(s *Server, own chi.Router, pages func(http.HandlerFunc) http.Handler) {
	if s.relyingParty == nil {
		return
	}
	own.Method(http.MethodPost, pathPasskeyOptions, pages(s.login.Passkey.Options))
	own.Method(http.MethodPost, pathPasskey, pages(s.login.Passkey.Submit))
	own.HandleFunc(pathPasskeyCreate, byMethod(map[string]http.Handler{
		http.MethodGet: pages(s.login.Create.Page), http.MethodPost: pages(s.login.Create.Submit),
	}))
}
