package admin

import "net/http"

// Operations returns the table of operations. Callers must not change it.
func (h *Handler) Operations() []Operation { return h.operations }

// A recordHandler serves the operations of one kind of record.
type recordHandler interface{ operations() []Operation }

// resources returns the handlers of all resources that c enables, in the order of the table.
func resources(c *Config, access *access) []recordHandler {
	describer := requestDescriber{clients: c.Clients, authorizeURL: c.AuthorizeURL, deviceURL: c.DeviceURL}
	var all []recordHandler
	if c.LoginApp {
		all = append(all, &loginRequestHandler{requestDescriber: describer, requests: c.LoginRequests, now: c.Now, log: c.Log})
	}
	if c.ConsentApp {
		all = append(all, &consentRequestHandler{
			requestDescriber: describer, requests: c.ConsentRequests, lifetime: c.ConsentLifetime, now: c.Now, log: c.Log,
		})
	}
	if c.LogoutApp {
		all = append(all, &logoutRequestHandler{
			requests: c.LogoutRequests, clients: c.Clients, logoutURL: c.LogoutURL, now: c.Now, log: c.Log,
		})
	}
	if c.DeviceApp {
		all = append(all, &deviceRequestHandler{
			requests: c.DeviceRequests, userCodes: c.UserCodes, clients: c.Clients, deviceURL: c.DeviceURL, now: c.Now, log: c.Log,
		})
	}
	all = append(all, &backchannelRequestHandler{requests: c.Backchannel, decisions: c.BackchannelDecisions, users: c.Users, now: c.Now})
	people := &userCases{
		store: c.Users, attributes: c.Attributes, sources: c.Credentials, factors: c.Factors, recovery: c.Recovery, invitations: c.Invitations, hasher: c.Hasher, access: access, now: c.Now,
	}
	guard := &userGuard{accounts: c.Users, sessions: c.Sessions, grants: c.Grants, now: c.Now}
	clients := &clientHandler{
		store: c.ClientStore, policy: c.ClientPolicy, documents: c.Documents, secrets: c.Secrets,
		rotatedLifetime: c.RotatedSecretLifetime, access: access, now: c.Now, log: c.Log,
	}
	return append(all,
		&keySetHandler{
			store: c.KeySets, sealer: c.Sealer, access: access, now: c.Now,
			signing: &signingKeyHandler{keys: c.SigningKeys, access: access},
		},
		&signingKeyStateHandler{keys: c.SigningKeys},
		&trustedIssuerHandler{store: c.TrustedIssuers, now: c.Now},
		clients, &clientSecretHandler{clients, c.Applications},
		&applicationHandler{clients: c.ClientStore, uses: c.Applications, now: c.Now},
		&clientProfileHandler{c.ClientStore, c.ClientPolicy.Profile},
		&scopeHandler{store: c.Scopes, now: c.Now},
		&resourceHandler{store: c.Resources, now: c.Now},
		&detailTypeHandler{store: c.DetailTypes, now: c.Now},
		&consentHandler{guard: guard, consents: c.Consents, grants: c.Grants, requests: c.ConsentRequests, clients: c.Clients, now: c.Now},
		&userHandler{people},
		&userCreateHandler{&userLinkHandler{people}},
		&userStateHandler{people},
		&userLinkHandler{people},
		&userAddressHandler{people},
		&userGroupHandler{people},
		&invitationHandler{people},
		&userAccessHandler{people, c.UserConsents, c.Clients, c.Activity},
		&userSessionHandler{people, c.Sessions, c.SessionManager},
		&credentialHandler{people},
		&groupHandler{store: c.Groups, clients: c.ClientStore, now: c.Now},
		&attributeHandler{store: c.Attributes, now: c.Now},
		&sessionHandler{guard: guard, sessions: c.Sessions, manager: c.SessionManager, now: c.Now},
		&tokenHandler{guard: guard, tokens: c.Tokens, grants: c.Grants, clients: c.ClientStore, now: c.Now},
		&auditHandler{events: c.Audit},
		&refusalHandler{refusals: c.Refusals},
		&deliveryHandler{mails: c.Mails, notices: c.Notices, now: c.Now},
		&statisticsHandler{statistics: c.Statistics, deliveries: c.Deliveries, replicas: c.Replicas, now: c.Now},
		serverStatus{},
	)
}

// serverStatus describes the operations of the server itself. The server mounts them, since
// its public listener serves some of them too.
type serverStatus struct{}

func (serverStatus) operations() []Operation {
	type status struct {
		Status string `json:"status"`
	}
	type problems struct {
		Errors map[string]string `json:"errors"`
	}
	type version struct {
		Version string `json:"version"`
	}
	return []Operation{{
		ID: "isAlive", Method: http.MethodGet, Path: "/health/alive", Summary: "Check that the process runs.",
		Responses: map[int]any{http.StatusOK: status{}},
	}, {
		ID: "isReady", Method: http.MethodGet, Path: "/health/ready", Summary: "Check that the server accepts requests.",
		Responses: map[int]any{http.StatusOK: status{}, http.StatusServiceUnavailable: problems{}},
	}, {
		ID: "getVersion", Method: http.MethodGet, Path: "/version", Summary: "Get the version of the server.",
		Responses: map[int]any{http.StatusOK: version{}},
	}, {
		ID: "getMetrics", Method: http.MethodGet, Path: "/metrics", Summary: "Get metrics in the Prometheus text format.",
		Responses: map[int]any{http.StatusOK: nil},
	}, {
		ID: "getPrometheusMetrics", Method: http.MethodGet, Path: "/metrics/prometheus", Summary: "Get metrics in the Prometheus text format.",
		Responses: map[int]any{http.StatusOK: nil},
	}}
}
