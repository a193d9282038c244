package main

import (
	"github.com/ostiary/ostiary/internal/admin"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/middleware"
)

func (a *app) wireAdmin() {
	c := a.config
	a.operator = admin.New(admin.Config{
		AuthorizeURL: c.URL(pathAuthorize), LogoutURL: c.URL(pathLogout), DeviceURL: c.URL(pathVerify),
		Requests: a.store, SignOuts: a.store, Devices: a.store, UserCodes: a.userCodes, Clients: a.clients, Consent: c.ConsentLifetime,
		KeySets: a.store, SigningKeys: a.keys, Vault: a.secrets,
		Keys: a.store, Changes: a.store.Changes(), Audit: a.store, Refusals: refusals{a.store, a.refusals}, Issuers: a.store, Open: c.AdminAuth == config.AdminNone,
		Consents: a.store, Sessions: a.store, Manager: a.sessions, Tokens: a.oauth2,
		Scopes:   a.store,
		Registry: registry{a.store, a.clients}, Policy: operatorPolicy(c), Documents: a.fetcher.Apart(),
		Keeper:     client.SecretStore{Hasher: asideHasher{a.adminHasher}, Sealer: a.secrets},
		RotatedFor: c.RotatedSecretLifetime,
		LoginApp:   c.LoginURL != "", ConsentApp: c.ConsentURL != "", LogoutApp: c.LogoutURL != "", DeviceApp: c.DeviceURL != "",
		Version: version, Address: middleware.Address, RequestID: middleware.ID, Now: a.now, Log: a.log,
	})
}
