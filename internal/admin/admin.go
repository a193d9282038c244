// Package admin serves the admin API. Login and consent apps of the operator answer
// authorization requests with it; other programs manage clients, sessions, tokens, scopes,
// trusted issuers and keys.
//
// Models, statuses and errors are those of Ory Hydra, so that clients of its admin API can be
// used unchanged. Two rules apply to all operations: a request is answered once, and no answer of
// an app replaces a claim that the protocol defines.
//
//	/oauth2/auth ── 303 app?login_challenge ── GET request, PUT accept ── redirect_to
//	     ▲                                                                     │
//	     └────────────────────────── ?login_verifier ──────────────────────────┘
//
// Each resource (clients, consents, key sets, ...) has a handler type in a separate file.
// The method operations returns its part of the table of operations ([Handler.Operations]).
// Routes, authorization, the OpenAPI document and audit events come from the table.
//
// To add an endpoint, write a method func(*Request) (*Response, error) on the handler of
// the resource and an entry in its operations. Return errors; errors.go maps them to
// responses. An entry with an Action is a change: its audit event is stored before Do runs.
// The target of the event is taken from the path, or from Request.Target if Do sets it.
// Lists that are read page by page use pageFrom.
package admin

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"github.com/ostiary/ostiary/internal/cache"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/keyset"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/statistics"
	"github.com/ostiary/ostiary/pkg/resource"
)

// Config configures a [Handler]. All members must be set.
type Config struct {
	AuthorizeURL string // of the authorization endpoint
	LogoutURL    string // of the end-session endpoint
	DeviceURL    string // of the device verification page

	// LoginApp, ConsentApp, LogoutApp and DeviceApp report whether an app of the operator
	// handles the step. The operations of the other steps are not served.
	LoginApp, ConsentApp, LogoutApp, DeviceApp bool

	LoginRequests   LoginRequests
	ConsentRequests ConsentRequests
	LogoutRequests  LogoutRequests
	DeviceRequests  DeviceRequests
	UserCodes       UserCodes
	// Backchannel and BackchannelDecisions are the requests of CIBA.
	Backchannel          BackchannelRequests
	BackchannelDecisions BackchannelDecisions
	// ConsentLifetime is the lifetime of a remembered consent if the app does not set one.
	ConsentLifetime time.Duration

	Clients               Clients // cached
	ClientStore           ClientStore
	Applications          Applications
	ClientPolicy          client.Policy // for the metadata that operators set
	Documents             client.Documents
	Secrets               client.SecretStore
	RotatedSecretLifetime time.Duration // of a replaced client secret, by default

	Scopes         Scopes
	Resources      Resources
	DetailTypes    DetailTypes
	Consents       Consents
	UserConsents   UserConsents
	Activity       Activity
	Grants         Grants
	Users          Users
	Hasher         manage.PasswordHasher // of passwords that operators set
	Groups         Groups
	Attributes     Attributes
	Credentials    []manage.CredentialSource
	Factors        Factors
	Recovery       *manage.Recovery
	Invitations    *manage.Invitations
	Sessions       Sessions
	SessionManager SessionManager
	Tokens         Tokens
	Resource       *resource.Server // checks the access tokens of callers
	KeySets        KeySets
	SigningKeys    SigningKeys
	Sealer         keyset.Sealer // encrypts the private keys of key sets
	TrustedIssuers TrustedIssuers
	Audit          Audit
	Refusals       Refusals
	Statistics     statistics.Reader
	Deliveries     Deliveries
	Mails          Mails
	Notices        Notices
	Replicas       Replicas

	APIKeys APIKeys
	Changes cache.Changes
	NoAuth  bool // calls need no credential; the listener is local

	Version   string
	Address   func(context.Context) netip.Addr // of the caller
	RequestID func(context.Context) string
	Now       func() time.Time
	Log       *slog.Logger
}

// Handler serves the operations of the admin API. The middleware in front of it has checked
// the method, the query and the form of the body.
type Handler struct {
	access     *access
	audit      Audit
	errors     *httpapi.Errors
	version    string
	address    func(context.Context) netip.Addr
	requestID  func(context.Context) string
	now        func() time.Time
	log        *slog.Logger
	operations []Operation
}

// New returns a handler for the operations that c enables.
func New(c Config) *Handler {
	h := &Handler{
		access: &access{noAuth: c.NoAuth, apiKeys: newKeyCache(&c), resource: c.Resource, clients: c.Clients, now: c.Now},
		audit:  c.Audit, errors: newErrors(), version: c.Version,
		address: c.Address, requestID: c.RequestID, now: c.Now, log: c.Log,
	}
	for _, r := range resources(&c, h.access) {
		h.operations = append(h.operations, r.operations()...)
	}
	return h
}
