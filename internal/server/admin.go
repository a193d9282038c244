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
		LoginApp: c.LoginURL != "", ConsentApp: c.ConsentURL != "", LogoutApp: c.LogoutURL != "", DeviceApp: c.DeviceURL != "",
		LoginRequests: a.Store.Requests, ConsentRequests: a.Store.Requests, LogoutRequests: a.Store.LogoutRequests,
		DeviceRequests: deviceDecisions{a.Store.Requests, a.Store.Devices}, UserCodes: a.userCodes, ConsentLifetime: c.ConsentLifetime,
		Clients: a.Clients, ClientStore: registry{a.Store.Clients, a.Clients}, ClientPolicy: OperatorPolicy(c), Documents: a.fetcher.WithSeparateLimit(),
		Secrets:               client.SecretStore{Hasher: asideHasher{a.adminHasher}, Sealer: a.Secrets},
		RotatedSecretLifetime: c.RotatedSecretLifetime,
		Scopes:                a.Store.Scopes, Consents: a.Store.Consents, Grants: a.Store.Grants,
		Sessions: a.Store.Sessions, SessionManager: a.sessions, Tokens: operatorTokens{a.OAuth2.Introspection, a.OAuth2.AccessTokens},
		KeySets: a.Store.KeySets, SigningKeys: a.Keys, Sealer: a.Secrets, TrustedIssuers: a.Store.TrustedIssuers,
		Audit: a.Store.Audit, Refusals: refusals{a.Store.Refusals, a.Refusals},
		APIKeys: a.Store.APIKeys, Changes: a.Store.Changes(), NoAuth: c.AdminAuth == config.AdminNone,
		Version: a.Version, Address: middleware.Address, RequestID: middleware.ID, Now: a.Now, Log: a.Log,
	})
}
