package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/passkey"
)

const (
	pathPasskey        = "/login/passkey"
	pathPasskeyOptions = "/login/passkey/options" //nolint:gosec // a path
	pathPasskeyCreate  = "/login/passkey/create"  //nolint:gosec // a path
	// The requests for a security key as a second factor.
	pathSecurityKey        = "/login/security-key"
	pathSecurityKeyOptions = "/login/security-key/options"
	// At the root of the host also for an issuer with a path.
	pathPasskeyEndpoints = "/.well-known/passkey-endpoints" //nolint:gosec // a path
	pathRelatedOrigins   = "/.well-known/webauthn"
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
	if err := checkRPID(ctx, s); err != nil {
		return err
	}
	s.relyingParty, err = passkey.New(passkey.Config{
		ID: c.RPID(), Origins: append([]string{c.Origin()}, c.Passkeys.Origins...), Name: s.pages.Name, Keyring: s.Secrets, HandleKey: key, Now: s.Now,
	})
	return err
}

// checkRPID returns an error if there are passkeys with another RP ID, which no browser offers
// any longer, unless the operator has allowed that.
func checkRPID(ctx context.Context, s *Server) error {
	c := s.Config
	other, err := s.Store.Passkeys.OtherRPID(ctx, c.RPID())
	if err != nil || other == "" {
		return err
	}
	if c.Passkeys.RPIDChange == config.RPIDChangeAllowed {
		s.Log.LogAttrs(ctx, slog.LevelWarn, "there are passkeys with another RP ID, which do not work",
			slog.String("rp_id", c.RPID()), slog.String("other_rp_id", other))
		return nil
	}
	return fmt.Errorf("there are passkeys with the RP ID %q, which do not work with %q: set passkey_rp_id to keep the former RP ID, "+
		"or passkey_rp_id_change to allow to start without these passkeys", other, c.RPID())
}

// relatedOrigins serves GET /.well-known/webauthn, for browsers on the other origins.
//
// Spec: Web Authentication Level 3 §5.11.1.
func relatedOrigins(origins []string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		httpapi.JSON(w, http.StatusOK, map[string][]string{"origins": origins})
	}
}

// mountPasskeys mounts the requests of the sign-in page's script and the page that creates a
// passkey.
func mountPasskeys(s *Server, own chi.Router, pages func(http.HandlerFunc) http.Handler) {
	if s.relyingParty == nil {
		return
	}
	if origins := s.Config.Passkeys.Origins; len(origins) > 0 {
		getAndHead(own, pathRelatedOrigins, relatedOrigins(origins))
	}
	own.Method(http.MethodPost, pathPasskeyOptions, pages(s.login.Passkey.Options))
	own.Method(http.MethodPost, pathSecurityKeyOptions, pages(s.login.SecurityKey.Options))
	own.Method(http.MethodPost, pathSecurityKey, pages(s.login.SecurityKey.Submit))
	own.Method(http.MethodPost, pathPasskey, pages(s.login.Passkey.Submit))
	own.HandleFunc(pathPasskeyCreate, byMethod(map[string]http.Handler{
		http.MethodGet: pages(s.login.Create.Page), http.MethodPost: pages(s.login.Create.Submit),
	}))
}
