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
		Requests: a.Store, SignOuts: a.Store, Devices: a.Store, UserCodes: a.userCodes, Clients: a.Clients, Consent: c.ConsentLifetime,
		KeySets: a.Store, SigningKeys: a.Keys, Vault: a.Secrets,
		Keys: a.Store, Changes: a.Store.Changes(), Audit: a.Store, Refusals: refusals{a.Store, a.Refusals}, Issuers: a.Store, Open: c.AdminAuth == config.AdminNone,
		Consents: a.Store, Sessions: a.Store, Manager: a.sessions, Tokens: a.OAuth2,
		Scopes:   a.Store,
		Registry: registry{a.Store, a.Clients}, Policy: OperatorPolicy(c), Documents: a.fetcher.Apart(),
		Keeper:     client.SecretStore{Hasher: asideHasher{a.adminHasher}, Sealer: a.Secrets},
		RotatedFor: c.RotatedSecretLifetime,
		LoginApp:   c.LoginURL != "", ConsentApp: c.ConsentURL != "", LogoutApp: c.LogoutURL != "", DeviceApp: c.DeviceURL != "",
		Version: a.Version, Address: middleware.Address, RequestID: middleware.ID, Now: a.Now, Log: a.Log,
	})
}
