package server

import (
	"strings"

	"github.com/ostiary/ostiary/internal/admin"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/middleware"
	"github.com/ostiary/ostiary/internal/store"
)

func composeAdmin(s *Server) error {
	c := s.Config
	protected, err := newResource(s, ownResource{name: "Admin API", scopes: apikey.Scopes()})
	if err != nil {
		return err
	}
	issuer := strings.TrimSuffix(c.Issuer, "/")
	s.AdminAPI = admin.New(admin.Config{
		AuthorizeURL: c.URL(pathAuthorize), LogoutURL: c.URL(pathLogout), DeviceURL: c.URL(pathVerify),
		LoginApp: c.LoginURL != "", ConsentApp: c.ConsentURL != "", LogoutApp: c.LogoutURL != "", DeviceApp: c.DeviceURL != "",
		LoginRequests: s.Store.Requests, ConsentRequests: s.Store.Requests, LogoutRequests: s.Store.LogoutRequests,
		DeviceRequests: deviceDecisions{s.Store.Requests, s.Store.Devices}, UserCodes: s.userCodes,
		Backchannel: s.Store.Backchannel, BackchannelDecisions: s.OAuth2.Decisions, ConsentLifetime: c.ConsentLifetime,
		Clients: s.Clients, ClientStore: clientRegistry{s.Store.Clients, s.Clients}, Applications: s.Store.Clients, ClientPolicy: OperatorPolicy(c), Documents: s.fetcher.WithSeparateLimit(),
		Secrets:               client.SecretStore{Hasher: hasherWithoutSlot{s.adminHasher}, Sealer: s.Secrets},
		RotatedSecretLifetime: c.RotatedSecretLifetime,
		Scopes:                s.Store.Scopes, Resources: s.Store.Resources, DetailTypes: s.Store.DetailTypes, Consents: s.Store.Consents, UserConsents: s.Store.Consents, Activity: s.Store.Activity, Grants: s.Store.Grants,
		Users: s.Store.Accounts, Hasher: hasherWithoutSlot{s.adminHasher}, Groups: s.Store.Groups, Attributes: s.Store.Attributes, Credentials: []manage.CredentialSource{s.Store.Passkeys, s.Store.SecondFactors}, Factors: s.Store.SecondFactors,
		Recovery: &manage.Recovery{Issuer: issuer, Links: s.Store.OneTimeLinks, Outbox: s.MailOutbox, Limits: operatorMailLimits(s), HasMail: c.HasMail(), Now: s.Now},
		Invitations: &manage.Invitations{
			Issuer: issuer, Groups: s.Store.Groups, Links: s.Store.OneTimeLinks, Outbox: s.MailOutbox, Limits: operatorMailLimits(s),
			HasMail: c.HasMail(), Off: c.SignUp == config.SignUpOff, Now: s.Now,
		},
		Sessions: s.Store.Sessions, SessionManager: s.sessions, Tokens: s.OAuth2.Introspection, Resource: protected,
		KeySets: s.Store.KeySets, SigningKeys: s.Keys, Sealer: s.Secrets, TrustedIssuers: s.Store.TrustedIssuers,
		Audit: s.Store.Audit, Refusals: recentRefusals{s.Store.Refusals, s.Refusals}, Statistics: s.Store.Statistics, Deliveries: deliveries{s.Store.Mails, s.Store.Outbox}, Replicas: s.Store, Mails: s.Store.Mails, Notices: s.Store.Outbox,
		APIKeys: s.Store.APIKeys, Changes: s.Store.Changes(), NoAuth: c.AdminAuth == config.AdminNone,
		Version: s.Version, Address: middleware.Address, RequestID: middleware.ID, Now: s.Now, Log: s.Log,
	})
	return nil
}

// deliveries are the outboxes for the admin API.
type deliveries struct {
	*store.Mails
	*store.Outbox
}

// operatorMailLimits returns the limits of messages that operators send.
func operatorMailLimits(s *Server) (limits manage.MailLimits) {
	if s.Config.RateLimits {
		limits.Attempts = s.Store.Throttle
	}
	return limits
}
