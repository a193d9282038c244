package servertest

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/store"
)

// PendingDevice is a device authorization that awaits the user's decision.
type PendingDevice struct {
	Server                                *Server
	ClientID                              string
	DeviceCode, UserCode, VerificationURI string
}

// DeviceClientForm returns a form in which the client tv authenticates, changed by pairs of names
// and values.
func DeviceClientForm(changes ...string) url.Values {
	form := Form("client_id", "tv", "client_secret", DeviceClientSecret)
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
	}
	return form
}

// AuthorizeDevice sends a device authorization request. The test stops if the server rejects it.
func AuthorizeDevice(s *Server, form url.Values) *PendingDevice {
	s.TB.Helper()
	p := s.PostForm("/oauth2/device/auth", form)
	if p.Status != http.StatusOK {
		s.TB.Fatalf("device authorization: %d %s", p.Status, p.Body)
	}
	response := p.JSON(s.TB)
	return &PendingDevice{s, form.Get("client_id"), Text(response["device_code"]), Text(response["user_code"]), Text(response["verification_uri_complete"])}
}

// Poll advances the clock by the polling interval and sends a token request.
func (d *PendingDevice) Poll() Response {
	d.Server.TB.Helper()
	d.Server.Advance(5 * time.Second)
	return d.PollNow()
}

// PollNow sends a token request for the device code.
func (d *PendingDevice) PollNow() Response {
	d.Server.TB.Helper()
	form := Form("client_id", d.ClientID)
	if d.ClientID == "tv" {
		form = DeviceClientForm()
	}
	form.Set("grant_type", DeviceGrant)
	form.Set("device_code", d.DeviceCode)
	return d.Server.PostForm("/oauth2/token", form)
}

// EnterUserCode submits the user code and the decision at the device page and returns the response.
func (b *Browser) EnterUserCode(d *PendingDevice, decision string) Response {
	b.Server.TB.Helper()
	return b.Post("/device", Form("user_code", d.UserCode, "decision", decision))
}

// DeviceGrant is the grant type of the device authorization grant.
//
// Spec: RFC 8628 §3.4.
const DeviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// DeviceClientSecret is the secret of the client tv of [StartWithDeviceClients].
const DeviceClientSecret = "tv-secret-tv-secret-tv-secret-tv"

// StartWithDeviceClients starts a server over db with two clients for the device authorization
// grant: tv has a secret, stick is public.
func StartWithDeviceClients(tb testing.TB, db *store.Store, settings map[string]string) *Server {
	tb.Helper()
	s := Start(tb, db, settings)
	s.ImportClient(`{"client_id": "tv", "client_name": "Living room", "client_secret": "` + DeviceClientSecret + `", "token_endpoint_auth_method": "client_secret_post",
		"grant_types": ["` + DeviceGrant + `", "refresh_token"], "scope": "openid offline_access email api", "audience": ["https://api.example"],
		"id_token_signed_response_alg": "ES256", "backchannel_logout_uri": "https://client.example/back"},
		{"client_id": "stick", "token_endpoint_auth_method": "none", "grant_types": ["` + DeviceGrant + `"], "scope": "openid"}`)
	return s
}
