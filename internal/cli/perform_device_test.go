package cli_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func TestPerformDeviceCode(t *testing.T) {
	t.Parallel()
	s := servertest.StartWithDeviceClients(t, storetest.New(t), map[string]string{"device_poll_interval": "1s"})
	told, end := performing(t, "perform", "device-code", "--issuer="+s.URL, "--client-id=stick", "--scope=openid", "--json")
	code := regexp.MustCompile(`[A-Z]{4}-[A-Z]{4}`).FindString(told)
	if code == "" || !strings.Contains(told, s.URL+"/device ") {
		t.Fatalf("the command told %s", told)
	}
	b := s.NewBrowser()
	b.Follow(b.Post("/device", servertest.Form("user_code", code, "decision", "continue")))
	s.Advance(time.Minute) // every poll of the command is late enough
	got := end()
	if got.Code != 0 || !strings.Contains(got.Out, "id_token_claims") {
		t.Errorf("exit code %d: %s%s", got.Code, got.Out, got.Err)
	}
}
