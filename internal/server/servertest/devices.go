package servertest

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/store"
)

// waiting is a device that waits for its person.
type PendingDevice struct {
	Server                                *Server
	ClientID                              string
	DeviceCode, UserCode, VerificationURI string
}

func DeviceClientForm(changes ...string) url.Values {
	form := Form("client_id", "tv", "client_secret", DeviceClientSecret)
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
	}
	return form
}

func AuthorizeDevice(s *Server, form url.Values) *PendingDevice {
	s.TB.Helper()
	p := s.PostForm("/oauth2/device/auth", form)
	if p.Status != http.StatusOK {
		s.TB.Fatalf("device authorization: %d %s", p.Status, p.Body)
	}
	said := p.JSON(s.TB)
	return &PendingDevice{s, form.Get("client_id"), Text(said["device_code"]), Text(said["user_code"]), Text(said["verification_uri_complete"])}
}

// poll asks how it stands, as the device does when its interval has passed.
func (d *PendingDevice) Poll() Response {
	d.Server.TB.Helper()
	d.Server.Advance(5 * time.Second)
	return d.PollNow()
}

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

// enter brings the code to the page and goes on, up to where the way leaves it.
func (b *Browser) EnterUserCode(d *PendingDevice, decision string) Response {
	b.Server.TB.Helper()
	return b.Post("/device", Form("user_code", d.UserCode, "decision", decision))
}

const DeviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

const DeviceClientSecret = "tv-secret-tv-secret-tv-secret-tv"

// startDevices serves db with two clients that run on devices: tv has a secret and
// stick has none.
func StartWithDeviceClients(tb testing.TB, db *store.Store, settings map[string]string) *Server {
	tb.Helper()
	s := Start(tb, db, settings)
	s.ImportClient(`{"client_id": "tv", "client_name": "Living room", "client_secret": "` + DeviceClientSecret + `", "token_endpoint_auth_method": "client_secret_post",
		"grant_types": ["` + DeviceGrant + `", "refresh_token"], "scope": "openid offline_access email api", "audience": ["https://api.example"],
		"id_token_signed_response_alg": "ES256", "backchannel_logout_uri": "https://client.example/back"},
		{"client_id": "stick", "token_endpoint_auth_method": "none", "grant_types": ["` + DeviceGrant + `"], "scope": "openid"}`)
	return s
}
