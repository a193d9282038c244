package login

import (
	"net/url"
	"time"

	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/passkey"
	"github.com/ostiary/ostiary/internal/secondfactor"
)

// The methods of a second factor, as in the parameter "way". Passkeys are on each page.
const (
	methodCode         = "code"
	methodRecoveryCode = "recovery-code"
	methodSecurityKey  = "security-key"
)

// factorMethods are the methods by which a user can prove a second factor for a request.
type factorMethods struct {
	code, recoveryCode, securityKey, passkey bool
	// The last use of an authenticator app, a security key and a passkey, or the time at which
	// it was added.
	codeUsed, securityKeyUsed, passkeyUsed time.Time
	// others reports that only a passkey helps, and that the user has another second factor.
	others bool
}

// any reports whether the user has a factor. Recovery codes alone do not count.
func (s factorMethods) any() bool { return s.code || s.securityKey || s.passkey }

// methodsOf returns the methods of the user with the factors and the passkeys of the list.
func (h *SecondFactor) methodsOf(f *flow, user proven, factors secondfactor.FactorSet, list []*passkey.Passkey) factorMethods {
	s := factorMethods{code: factors.Enrolled(), recoveryCode: factors.RecoveryCodes.Left > 0}
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
		return factorMethods{passkey: s.passkey, others: s.code || s.recoveryCode || s.securityKey}
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

// choose returns the method that the user has chosen, if it exists, and otherwise the one used last;
// "" for a passkey alone.
func (s factorMethods) choose(method string) string {
	switch {
	case method == methodRecoveryCode && s.recoveryCode, method == methodCode && s.code, method == methodSecurityKey && s.securityKey:
		return method
	case s.securityKey && (!s.code || s.securityKeyUsed.After(s.codeUsed)):
		return methodSecurityKey
	case s.code:
		return methodCode
	}
	return ""
}

// page returns the page for one of the methods, with links to the others.
func (h *SecondFactor) page(f *flow, s factorMethods, method string) pages.SecondFactor {
	method = s.choose(method)
	page := pages.SecondFactor{
		Client: f.shownClient(), Action: h.Issuer + "/login/second-factor", Request: f.request.ID,
		ByRecoveryCode: method == methodRecoveryCode, WithoutCode: method == "" || method == methodSecurityKey,
	}
	if s.passkey {
		page.Passkey = h.flows.passkeyPart(f)
		page.Passkey.Primary = method == "" || method == methodSecurityKey && s.passkeyUsed.After(s.securityKeyUsed)
	}
	if method == methodSecurityKey {
		page.SecurityKey = h.flows.securityKeyPart(f)
		page.SecurityKey.Primary = page.Passkey == nil || !page.Passkey.Primary
	}
	if s.others && h.AccountURL != "" {
		page.LostURL = h.AccountURL + "/passkeys?lost=1"
	}
	link := func(method string) string {
		return page.Action + "?request=" + url.QueryEscape(f.request.ID) + "&way=" + method
	}
	if s.recoveryCode && method != methodRecoveryCode {
		page.RecoveryCodeURL = link(methodRecoveryCode)
	}
	if s.code && method != methodCode {
		page.CodeURL = link(methodCode)
	}
	if s.securityKey && method != methodSecurityKey {
		page.SecurityKeyURL = link(methodSecurityKey)
	}
	return page
}
