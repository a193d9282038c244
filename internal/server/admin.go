package server

import (
	"github.com/ostiary/ostiary/internal/admin"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/middleware"
)

func (a *Server) wireAdmin() {
	c := a.Config
	a.AdminAPI = admin.New(admin.Config{
		AuthorizeURL: c.URL(pathAuthorize), LogoutURL: c.URL(pathLogout), DeviceURL: c.URL(pathVerify),
		Requests: a.Store.Requests, SignOuts: a.Store.LogoutRequests, Devices: deviceDecisions{a.Store.Requests, a.Store.Devices}, UserCodes: a.userCodes, Clients: a.Clients, Consent: c.ConsentLifetime,
		KeySets: a.Store.KeySets, SigningKeys: a.Keys, Vault: a.Secrets,
		Keys: a.Store.APIKeys, Changes: a.Store.Changes(), Audit: a.Store.Audit, Refusals: refusals{a.Store.Refusals, a.Refusals}, Issuers: a.Store.TrustedIssuers, Open: c.AdminAuth == config.AdminNone,
		Consents: consentsAndGrants{a.Store.Consents, a.Store.Grants}, Sessions: a.Store.Sessions, Manager: a.sessions, Tokens: operatorTokens{a.OAuth2.Introspection, a.OAuth2.AccessTokens},
		Scopes:   a.Store.Scopes,
		Registry: registry{a.Store.Clients, a.Clients}, Policy: OperatorPolicy(c), Documents: a.fetcher.Apart(),
		Keeper:     client.SecretStore{Hasher: asideHasher{a.adminHasher}, Sealer: a.Secrets},
		RotatedFor: c.RotatedSecretLifetime,
		LoginApp:   c.LoginURL != "", ConsentApp: c.ConsentURL != "", LogoutApp: c.LogoutURL != "", DeviceApp: c.DeviceURL != "",
		Version: a.Version, Address: middleware.Address, RequestID: middleware.ID, Now: a.Now, Log: a.Log,
	})
}
