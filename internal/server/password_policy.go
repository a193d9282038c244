package server

import (
	"fmt"

	"github.com/ostiary/ostiary/internal/middleware"
	"github.com/ostiary/ostiary/internal/outbound"
	"github.com/ostiary/ostiary/internal/passwordpolicy"
)

// newPasswordPolicy returns which passwords users may choose.
func newPasswordPolicy(s *Server) (*passwordpolicy.Policy, error) {
	p := &passwordpolicy.Policy{Service: []string{"ostiary", s.Config.Issuer}, Processor: s.Hasher, Log: s.Log}
	switch c := s.Config; {
	case c.BreachedPasswordsFile != "":
		file, err := passwordpolicy.OpenBreachFile(c.BreachedPasswordsFile)
		if err != nil {
			return nil, fmt.Errorf("breached_passwords_file: %w", err)
		}
		p.Breaches = file
	case c.BreachedPasswordsURL != "":
		ca, err := outboundCA(c)
		if err != nil {
			return nil, err
		}
		service, err := outbound.NewBreaches(c.BreachedPasswordsURL, ca, middleware.WithoutSlot)
		if err != nil {
			return nil, fmt.Errorf("breached_passwords_url: %w", err)
		}
		p.Breaches = service
	}
	return p, nil
}
