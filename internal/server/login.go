package server

import (
	"strings"

	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/login"
	"github.com/ostiary/ostiary/internal/login/external"
	"github.com/ostiary/ostiary/internal/middleware"
	"github.com/ostiary/ostiary/internal/network"
	"github.com/ostiary/ostiary/internal/oauth2/authorize"
	"github.com/ostiary/ostiary/internal/signup"
)

func composeLogin(s *Server) {
	c := s.Config
	s.login = login.New(login.Config{
		Issuer: strings.TrimSuffix(c.Issuer, "/"), Iss: c.Issuer, ConsoleURL: c.ConsoleOfBrowsers(), AccountURL: accountURL(c),
		Accounts: s.Store.Accounts, Sources: s.Store.SignInSources, Sessions: s.Store.Sessions, SessionManager: s.sessions, Requests: s.Store.Requests, Clients: s.Clients, Scopes: s.scopes, Attempts: s.Store.Throttle, Failures: s.Failures, SetupLinks: s.Store.SetupLinks,
		Links: s.Store.OneTimeLinks, Outbox: s.MailOutbox, HasMail: c.HasMail(),
		SignIns: s.Store.SignIns, SecondFactors: s.SecondFactors, TrustedDevices: s.TrustedDevices, Deadlines: s.Store.Deadlines, FactorPolicy: factorPolicy(c), PasswordPolicy: s.passwordPolicy,
		BreachChecks: s.BreachChecks,
		Terms:        login.Terms{URL: c.TermsURL, Version: c.TermsVersion}, TermsStore: s.Store.Terms,
		Devices: s.Store.Devices, DeviceRequests: newPendingRequests(s), UserCodes: s.userCodes, DeviceApp: c.DeviceURL,
		Passkeys: s.Store.Passkeys, SecurityKeys: s.Store.Sessions, RelyingParty: s.relyingParty, Hasher: s.Hasher, Pages: s.pages, Cookies: s.Cookies,
		Lifetimes: login.Lifetimes{
			Consent: c.ConsentLifetime, Grant: c.RefreshAbsoluteLifetime, Device: c.DeviceCodeLifetime,
		},
		SignUp: c.SignUp.ByThemselves(), SignUpDomains: c.SignUpDomains, SignUpVerify: c.SignUpVerify,
		SignUps: s.Store.SignUps, Proofs: signUpProofs(s), CodeKey: codeKey(s), SignInCode: c.SignInCode && c.HasMail(),
		LoginApp: c.LoginURL != "", RateLimits: c.RateLimits, Address: middleware.Address, Networks: network.List, AccountDigest: accountDigest(s),
		Now: s.Now, Log: s.Log,
	})
}

// factorPolicy returns when sign-ins need a second factor.
func factorPolicy(c *config.Config) login.FactorPolicy {
	p := login.FactorPolicy{
		WhenEnrolled: c.SecondFactor == config.SecondFactorWhenEnrolled, Everyone: c.SecondFactor == config.SecondFactorRequired,
		Grace: c.SecondFactorGrace,
	}
	for _, users := range c.SecondFactorFor {
		if group, ok := strings.CutPrefix(users, "group:"); ok {
			p.Groups = append(p.Groups, group)
		} else {
			p.Administrators = true
		}
	}
	return p
}

// accountURL returns the URL of the account console, empty if there is none.
func accountURL(c *config.Config) string {
	if !c.HasAccountPages() {
		return ""
	}
	return c.URL("/account")
}

// signInProviders returns where users sign in and where they consent: the built-in pages, or an
// app of the operator.
func signInProviders(s *Server) (authorize.SignInProvider, authorize.ConsentProvider) {
	c := s.Config
	pages := login.Provider{SignInPage: c.URL(pathLogin), SignUpPage: c.URL(pathSignUp), ConsentPage: c.URL(pathConsent), FactorPage: c.URL(pathSecondFactor), PasswordPage: c.URL(pathNewPassword), TermsPage: c.URL(pathTerms)}
	var signIn authorize.SignInProvider = pages
	if c.LoginURL != "" {
		signIn = newLoginApp(s)
	}
	if c.ConsentURL != "" {
		return signIn, &external.Consent{URL: c.ConsentURL}
	}
	return signIn, pages
}

// newLoginApp returns the operator's login app. Its URL is empty if there is none: requests
// of an earlier configuration may still return from one.
func newLoginApp(s *Server) *external.Login {
	return &external.Login{
		URL: s.Config.LoginURL, Requests: s.Store.Requests, Accounts: s.Store.Accounts, Sessions: s.sessions, Cookies: s.Cookies, Now: s.Now,
	}
}

// codeKey returns the key of the hashes of codes that confirm an address or sign in.
func codeKey(s *Server) []byte { return s.Secrets.DeriveAll("sign-up code")[0].Key }

// signUpProofs returns the proofs of work of sign-ups, nil for none.
func signUpProofs(s *Server) *signup.Proofs {
	c := s.Config
	if !c.SignUpProof || !c.RateLimits || !c.SignUp.ByThemselves() || !c.SignUpVerify {
		return nil
	}
	p := &signup.Proofs{Spent: s.Store.Replay, Now: s.Now}
	for _, derived := range s.Secrets.DeriveAll("sign-up proof of work") {
		p.Keys = append(p.Keys, derived.Key)
	}
	return p
}
