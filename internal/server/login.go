package server

import (
	"strings"

	"github.com/ostiary/ostiary/internal/login"
	"github.com/ostiary/ostiary/internal/login/external"
	"github.com/ostiary/ostiary/internal/middleware"
	"github.com/ostiary/ostiary/internal/network"
	"github.com/ostiary/ostiary/internal/oauth2/authorize"
)

func (a *Server) wireLogin() {
	c := a.Config
	a.login = login.New(login.Config{
		Issuer: strings.TrimSuffix(c.Issuer, "/"), Iss: c.Issuer,
		Accounts: a.Store.Accounts, Sources: a.Store.SignInSources, Sessions: a.Store.Sessions, SessionManager: a.sessions, Requests: a.Store.Requests, Clients: a.Clients, Scopes: a.scopes, Attempts: a.Store.Throttle, SetupLinks: a.Store.SetupLinks,
		Devices: a.Store.Devices, DeviceRequests: a.pendingRequests(), UserCodes: a.userCodes, DeviceApp: c.DeviceURL,
		Hasher: a.Hasher, Pages: a.pages, Cookies: a.Cookies,
		Lifetimes: login.Lifetimes{
			Consent: c.ConsentLifetime, Grant: c.RefreshAbsoluteLifetime, Device: c.DeviceCodeLifetime,
		},
		SignUp: c.SignUp, LoginApp: c.LoginURL != "", RateLimits: c.RateLimits, Address: middleware.Address, Networks: network.List, AccountDigest: a.accountDigest(),
		Now: a.Now, Log: a.Log,
	})
}

// providers returns where users sign in and where they consent: the built-in pages, or an
// app of the operator.
func (a *Server) providers() (authorize.SignInProvider, authorize.ConsentProvider) {
	c := a.Config
	pages := login.Provider{SignInPage: c.URL(pathLogin), SignUpPage: c.URL(pathSignUp), ConsentPage: c.URL(pathConsent)}
	var signIn authorize.SignInProvider = pages
	if c.LoginURL != "" {
		signIn = a.loginApp()
	}
	if c.ConsentURL != "" {
		return signIn, &external.Consent{URL: c.ConsentURL}
	}
	return signIn, pages
}

// loginApp returns the operator's login app. Its URL is empty if there is none: requests
// of an earlier configuration may still return from one.
func (a *Server) loginApp() *external.Login {
	return &external.Login{
		URL: a.Config.LoginURL, Requests: a.Store.Requests, Accounts: a.Store.Accounts, Sessions: a.sessions, Cookies: a.Cookies, Now: a.Now,
	}
}
