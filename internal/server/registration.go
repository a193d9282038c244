package server

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/middleware"
	"github.com/ostiary/ostiary/internal/registration"
)

// registrationPolicy returns the validation rules of dynamic client registration.
func registrationPolicy(c *config.Config) client.Policy {
	return client.Policy{
		SelfRegistered: true, DefaultScopes: withoutAdminScopes(c.DefaultScopes),
		LegacyResponseTypes: c.LegacyResponseTypes, PlainLoopback: c.OutboundAllowPrivate, Profile: c.SecurityProfile, MutualTLS: mutualTLSMethods(c),
	}
}

// withoutAdminScopes removes the scopes of the admin API, which a self-registered client
// cannot have.
func withoutAdminScopes(scopes []string) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return slices.Contains(apikey.Scopes(), s) })
}

func composeRegistration(ctx context.Context, s *Server) error {
	var trusted map[string][]jose.JSONWebKey
	if file := s.Config.SoftwareStatementKeysFile; file != "" {
		text, err := os.ReadFile(file) //nolint:gosec // the path is a setting
		if err != nil {
			return fmt.Errorf("software statement keys: %w", err)
		}
		var warnings []string
		if trusted, warnings, err = registration.ReadStatementKeys(text); err != nil {
			return fmt.Errorf("software statement keys: %s: %w", file, err)
		}
		for _, warning := range warnings {
			s.Log.LogAttrs(ctx, slog.LevelWarn, "software statement key ignored", slog.String("reason", warning))
		}
	}
	var initial [][]byte
	for _, token := range s.Config.RegistrationTokens {
		initial = append(initial, client.HashToken(token.Reveal()))
	}
	s.registration = registration.New(registration.Config{
		Issuer: s.Config.Issuer, Mode: registration.Mode(s.Config.Registration), InitialTokens: initial, StatementKeys: trusted,
		Policy: registrationPolicy(s.Config), Scopes: s.scopes, Clients: clientRegistry{s.Store.Clients, s.Clients}, Documents: s.registeredFetcher,
		Hasher: s.clientHasher, Sealer: s.Secrets, SecretThrottle: secretThrottle(s),
		Audit: s.Store.Audit, Address: middleware.Address, RequestID: middleware.ID, Now: s.Now, Log: s.Log,
		QuerySecrets: s.Config.RegistrationQuerySecrets,
	})
	return nil
}
