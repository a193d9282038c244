package session

import "slices"

// The levels of authentication, the values of the acr claim, in the order of strength.
//
// Spec: OpenID Connect Core §2 (acr), OpenID Connect Extended Authentication Profile ACR Values 1.0 §3.
const (
	// LevelRemembered is a remembered session that is older than a request allows.
	LevelRemembered = "0"
	// LevelOneFactor is a password, or a code or link by mail.
	LevelOneFactor = "1"
	// LevelTwoFactors are two different factors, or a passkey with user verification.
	LevelTwoFactors = "2"
	// LevelPhishingResistant is a passkey with user verification.
	LevelPhishingResistant = "phr"
	// LevelHardware is a passkey in attested hardware.
	LevelHardware = "phrh"
)

// levelPassword is the former name of LevelOneFactor, in sessions and requests.
const levelPassword = "urn:ostiary:acr:password" //nolint:gosec // not a credential

// Levels returns all levels, the weakest first.
func Levels() []string {
	return []string{LevelRemembered, LevelOneFactor, LevelTwoFactors, LevelPhishingResistant, LevelHardware}
}

// CanonicalACR returns the current name of an acr value. Values that are no levels stay.
func CanonicalACR(acr string) string {
	if acr == levelPassword {
		return LevelOneFactor
	}
	return acr
}

// rank returns the position of a level in [Levels], -1 for other values.
func rank(acr string) int { return slices.Index(Levels(), CanonicalACR(acr)) }

// IsLevel reports whether the value is a level, or a former name of one.
func IsLevel(acr string) bool { return rank(acr) >= 0 }

// Reaches reports whether an authentication with the acr value have suffices where want is
// required: levels are compared by strength, other values by equality.
func Reaches(have, want string) bool {
	h, w := rank(have), rank(want)
	if h < 0 || w < 0 {
		return have == want
	}
	return h >= w
}

// Strongest returns the strongest of the values that an authentication with the acr value
// have reaches, in its current name. It reports false if it reaches none.
func Strongest(have string, values []string) (acr string, ok bool) {
	for _, value := range values {
		if !Reaches(have, value) || ok && rank(value) <= rank(acr) {
			continue
		}
		acr, ok = CanonicalACR(value), true
	}
	return acr, ok
}
