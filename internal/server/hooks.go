package server

import (
	"fmt"
	"os"

	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/middleware"
	"github.com/ostiary/ostiary/internal/oauth2/token"
	"github.com/ostiary/ostiary/internal/outbound"
)

// newTokenHooks returns the configured token hooks.
func newTokenHooks(s *Server) (hooks token.Hooks, err error) {
	ca, err := outboundCA(s.Config)
	if err != nil {
		return hooks, err
	}
	reach := func(h config.Hook) (*outbound.Hook, error) {
		c := outbound.HookConfig{URL: h.URL, Value: h.AuthValue.Reveal(), CA: ca, WithoutSlot: middleware.WithoutSlot}
		if h.AuthIn == config.HookCookie {
			c.Cookie = h.AuthName
		} else {
			c.Header = h.AuthName
		}
		hook, err := outbound.NewHook(c)
		if err != nil {
			return nil, fmt.Errorf("hook: %w", err)
		}
		return hook, nil
	}
	if c := s.Config.TokenHook; c.URL != "" {
		if hooks.Token, err = reach(c); err != nil {
			return hooks, err
		}
	}
	if c := s.Config.RefreshTokenHook; c.URL != "" {
		if hooks.Refresh, err = reach(c); err != nil {
			return hooks, err
		}
	}
	return hooks, nil
}

// outboundCA returns the configured additional CA certificates for outbound requests.
func outboundCA(c *config.Config) ([]byte, error) {
	if c.OutboundCAFile == "" {
		return nil, nil
	}
	ca, err := os.ReadFile(c.OutboundCAFile)
	if err != nil {
		return nil, fmt.Errorf("outbound CA: %w", err)
	}
	return ca, nil
}
