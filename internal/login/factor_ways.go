package login

import (
	"net/url"
	"time"

	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/passkey"
	"github.com/ostiary/ostiary/internal/secondfactor"
)

// The ways to prove a second factor, as in the parameter way. Passkeys are on each page.
const (
	wayCode         = "code"
	wayRecoveryCode = "recovery-code"
	waySecurityKey  = "security-key"
)

// ways are the ways in which a user can prove a second factor for a request.
type ways struct {
	code, recoveryCode, securityKey, passkey bool
	// The last use of an authenticator app, a security key and a passkey, or the time at which
	// it was added.
	codeUsed, securityKeyUsed, passkeyUsed time.Time
	// others reports that only a passkey helps, and that the user has another second factor.
	others bool
}

// any reports whether the user has a factor. Recovery codes alone do not count.
func (s ways) any() bool { return s.code || s.securityKey || s.passkey }

// waysOf returns the ways of the user with the factors and the passkeys of the list.
func (h *SecondFactor) waysOf(f *flow, user proven, factors secondfactor.FactorSet, list []*passkey.Passkey) ways {
	s := ways{code: factors.Enrolled(), recoveryCode: factors.RecoveryCodes.Left > 0}
	for _, a := range factors.Authenticators {
		s.codeUsed = latest(s.codeUsed, a.CreatedAt, a.LastUsedAt)
	}
	for _, p := range list {
		if p.StandsAlone() {
			s.passkey, s.passkeyUsed = true, latest(s.passkeyUsed, p.CreatedAt, p.LastUsedAt)
		} else {
			s.securityKey, s.securityKeyUsed = true, latest(s.securityKeyUsed, p.CreatedAt, p.LastUsedAt)
		}
	}
	if h.needsPasskey(f, user) {
		return ways{passkey: s.passkey, others: s.code || s.recoveryCode || s.securityKey}
	}
	return s
}

func latest(times ...time.Time) (last time.Time) {
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// choose returns the way that the user has asked for, if it exists, and otherwise the one used last;
// "" for a passkey alone.
func (s ways) choose(way string) string {
	switch {
	case way == wayRecoveryCode && s.recoveryCode, way == wayCode && s.code, way == waySecurityKey && s.securityKey:
		return way
	case s.securityKey && (!s.code || s.securityKeyUsed.After(s.codeUsed)):
		return waySecurityKey
	case s.code:
		return wayCode
	}
	return ""
}

// page returns the page for one of the ways, with links to the others.
func (h *SecondFactor) page(f *flow, s ways, way string) pages.SecondFactor {
	way = s.choose(way)
	page := pages.SecondFactor{
		Client: f.shownClient(), Action: h.Issuer + "/login/second-factor", Request: f.request.ID,
		ByRecoveryCode: way == wayRecoveryCode, WithoutCode: way == "" || way == waySecurityKey,
	}
	if s.passkey {
		page.Passkey = h.flows.passkeyPart(f)
		page.Passkey.Primary = way == "" || way == waySecurityKey && s.passkeyUsed.After(s.securityKeyUsed)
	}
	if way == waySecurityKey {
		page.SecurityKey = h.flows.securityKeyPart(f)
		page.SecurityKey.Primary = page.Passkey == nil || !page.Passkey.Primary
	}
	if s.others && h.AccountURL != "" {
		page.LostURL = h.AccountURL + "/passkeys?lost=1"
	}
	link := func(way string) string {
		return page.Action + "?request=" + url.QueryEscape(f.request.ID) + "&way=" + way
	}
	if s.recoveryCode && way != wayRecoveryCode {
		page.RecoveryCodeURL = link(wayRecoveryCode)
	}
	if s.code && way != wayCode {
		page.CodeURL = link(wayCode)
	}
	if s.securityKey && way != waySecurityKey {
		page.SecurityKeyURL = link(waySecurityKey)
	}
	return page
}
