//go:build e2e

package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// television is a device that uses the device authorization grant.
type television struct {
	t      *testing.T
	issuer string

	Device   string `json:"device_code"`
	Code     string `json:"user_code"`
	Address  string `json:"verification_uri"`
	Complete string `json:"verification_uri_complete"`
}

// devices returns the path of a file that registers the client of a television.
func devices(t *testing.T) string {
	t.Helper()
	text, err := json.Marshal([]any{map[string]any{
		"client_id": "television", "client_name": "Living room television", "token_endpoint_auth_method": "none",
		"grant_types": []string{"urn:ietf:params:oauth:grant-type:device_code", "refresh_token"},
		"scope":       "openid offline_access email", "policy_uri": "https://television.example/privacy",
	}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "clients.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// turnOn sends a device authorization request.
func (d *dev) turnOn(t *testing.T) *television {
	t.Helper()
	tv := &television{t: t, issuer: d.issuer}
	tv.post("/oauth2/device/auth", url.Values{"scope": {"openid offline_access email"}}, tv)
	if tv.Code == "" {
		t.Fatal("the device authorization response has no code")
	}
	return tv
}

func (tv *television) post(path string, form url.Values, into any) {
	tv.t.Helper()
	form.Set("client_id", "television")
	response, err := http.PostForm(tv.issuer+path, form)
	if err != nil {
		tv.t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		tv.t.Fatal(err)
	}
}

// wantTokenResponse sends the first token request of a device, and fails the test unless
// the response has the error code, or all tokens if code is empty.
func (tv *television) wantTokenResponse(code string) {
	tv.t.Helper()
	var response struct {
		Error   string `json:"error"`
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		ID      string `json:"id_token"`
	}
	tv.post("/oauth2/token", url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {tv.Device},
	}, &response)
	complete := response.Access != "" && response.Refresh != "" && response.ID != ""
	if response.Error != code || complete != (code == "") {
		tv.t.Errorf("token response with error %q and tokens %v, want error %q", response.Error, complete, code)
	}
}

func TestDeviceFlow(t *testing.T) {
	t.Parallel()
	server := startDev(t, "--clients", devices(t))
	tv := server.turnOn(t)
	v := newTour(t)

	v.open(tv.Address)
	v.wantFocus("user-code")
	v.checkInEachLanguage("device")
	v.write("#user-code", "bbbb bbbb")
	if status := v.press("#device-continue"); status != http.StatusBadRequest {
		t.Errorf("a wrong code was answered with %d, want 400", status)
	}
	v.wantText("#fault", "Unknown or expired code")
	v.wantFocus("user-code")
	v.check("device-error")
	v.write("#user-code", strings.ToLower(strings.ReplaceAll(tv.Code, "-", "")))
	v.press("#device-continue")
	v.wantText("#shown-code", tv.Code)
	v.wantText("main", "Living room television", "someone sent you")
	v.check("device-check")
	v.press("#device-accept")
	v.signIn(server.username, server.password)
	v.check("device-consent")
	v.press("#accept")
	v.wantText("#device-done", "return to your device")
	v.check("device-done")
	tv.wantTokenResponse("")

	sent := server.turnOn(t)
	v.open(sent.Complete)
	v.wantText("#shown-code", sent.Code)
	v.press("#device-deny")
	v.wantText("#device-refused", "not connected")
	v.check("device-refused")
	sent.wantTokenResponse("access_denied")
}

func TestDeviceFlowByKeyboardWithoutScript(t *testing.T) {
	t.Parallel()
	server := startDev(t, "--clients", devices(t))
	tv := server.turnOn(t)
	p := newBrowser(t)
	p.disableScript()

	p.open(tv.Address)
	p.wantFocus("user-code")
	p.checkTabOrder()
	p.tabTo("#user-code")
	p.types(tv.Code)
	p.enter()
	p.checkTabOrder()
	p.tabTo("#device-accept")
	p.enter()
	p.signIn(server.username, server.password)
	p.tabTo("#accept")
	p.enter()
	p.wantText("#device-done", "return to your device")
	tv.wantTokenResponse("")
}
