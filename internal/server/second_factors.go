package server

import (
	"context"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/passkey"
	"github.com/ostiary/ostiary/internal/secondfactor"
	"github.com/ostiary/ostiary/internal/session"
)

// trustedDeviceLifetime is how long a user is not asked for a second factor in a trusted
// browser.
const trustedDeviceLifetime = 30 * 24 * time.Hour

// composeSecondFactors creates the services of second factors and trusted devices.
func composeSecondFactors(s *Server) {
	s.SecondFactors = &secondfactor.Service{Store: s.Store.SecondFactors, Secrets: s.Secrets}
	if s.Config.RateLimits {
		s.SecondFactors.Throttle = s.Store.Throttle
	}
	s.TrustedDevices = &secondfactor.TrustedDevices{Store: s.Store.TrustedDevices, Cookies: s.Cookies, Lifetime: trustedDeviceLifetime}
}

// highestLevel returns the highest level of authentication that the credentials of an account
// reach.
func (s *Server) highestLevel(ctx context.Context, subject string) (string, error) {
	if s.relyingParty != nil {
		list, err := s.Store.Passkeys.PasskeysOf(ctx, subject)
		list = s.relyingParty.Usable(list)
		switch {
		case err != nil || slices.ContainsFunc(list, (*passkey.Passkey).StandsAlone):
			return session.LevelPhishingResistant, err
		case len(list) > 0:
			return session.LevelTwoFactors, nil
		}
	}
	factors, err := s.SecondFactors.Enrolled(ctx, subject)
	if err != nil {
		return "", err
	}
	if factors.Enrolled() {
		return session.LevelTwoFactors, nil
	}
	return session.LevelOneFactor, nil
}
