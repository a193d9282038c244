package cli_test

import (
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

func TestSectorIdentifierIsVerified(t *testing.T) {
	t.Parallel()

	uri, requests := servertest.SectorDocument(t, "https://a.example/cb", "https://b.example/cb")
	sh := clitest.NewShell(t)
	both := []string{"clients", "create", "--id=a", "--redirect-uri=https://a.example/cb", "--redirect-uri=https://b.example/cb", "--subject-type=pairwise"}
	servertest.Contains(t, sh.MustFail(both...), "sector_identifier_uri is needed")
	both = append(both, "--sector-identifier-uri="+uri)
	servertest.Contains(t, sh.MustFail(both...), "sector_identifier_uri must return")
	if *requests != 0 {
		t.Error("a loopback address was requested")
	}
	restricted := sh.Settings
	sh.Settings = append(sh.Settings, "--set=outbound_allow_private=true")
	sh.Must(both...)
	servertest.Contains(t, sh.MustFail("clients", "update", "a", "--redirect-uri=https://c.example/cb"), "one is missing")
	const entry = `[{"client_id": "b", "client_secret": "0123456789abcdef0123456789abcdef", "sector_identifier_uri": "URI", "redirect_uris": ["https://b.example/cb", "OTHER"]}]`
	with := func(other string) string { return strings.NewReplacer("URI", uri, "OTHER", other).Replace(entry) }
	servertest.Contains(t, sh.MustFail("clients", "import", sh.WriteFile("bad.json", with("https://c.example/cb"))),
		`entry 1 ("b"): sector_identifier_uri`, "nothing was changed")
	servertest.Contains(t, sh.Must("clients", "import", sh.WriteFile("good.json", with("https://a.example/cb"))), "1 created")

	sh.Settings = restricted
	*requests = 0
	sh.Must("clients", "update", "a", "--name=A")
	listed := sh.Must("clients", "list", "--json")
	servertest.Contains(t, sh.Must("clients", "import", sh.WriteFile("listed.json", listed)), "0 created, 0 updated, 2 unchanged")
	if *requests != 0 {
		t.Error("a verified document was requested again")
	}
}

func TestClientFlagsAreStored(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	flags := map[string]string{
		"subject-type": "pairwise", "jwks-uri": "https://a.example/jwks",
		"id-token-signed-response-alg": "ES256", "id-token-encrypted-response-alg": "ECDH-ES", "id-token-encrypted-response-enc": "A256GCM",
		"userinfo-signed-response-alg": "EdDSA", "userinfo-encrypted-response-alg": "RSA-OAEP", "userinfo-encrypted-response-enc": "A128GCM",
		"client-uri": "https://a.example/", "logo-uri": "https://a.example/l", "policy-uri": "https://a.example/p", "tos-uri": "https://a.example/t",
		"initiate-login-uri": "https://a.example/i", "frontchannel-logout-uri": "https://a.example/f", "backchannel-logout-uri": "https://a.example/b",
	}
	args := []string{"clients", "create", "--id=a", "--redirect-uri=https://a.example/cb"}
	for flag, value := range flags {
		args = append(args, "--"+flag+"="+value)
	}
	sh.Must(args...)
	var got map[string]any
	sh.JSON(&got, "clients", "get", "a")
	for flag, want := range flags {
		if member := strings.ReplaceAll(flag, "-", "_"); got[member] != want {
			t.Errorf("%s = %v, want %s", member, got[member], want)
		}
	}
	got = nil
	sh.JSON(&got, "clients", "update", "a", "--id-token-encrypted-response-alg=", "--userinfo-encrypted-response-alg=", "--subject-type=")
	for member, want := range map[string]any{
		"id_token_encrypted_response_alg": nil, "id_token_encrypted_response_enc": nil,
		"userinfo_encrypted_response_alg": nil, "userinfo_encrypted_response_enc": nil, "subject_type": "public",
	} {
		if got[member] != want {
			t.Errorf("%s = %v once cleared, want %v", member, got[member], want)
		}
	}
}

func TestLocalizedMembersSurviveUpdate(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	sh.Settings = append(sh.Settings, "--set=legacy_response_types=on")
	imported := sh.Run("clients", "import", sh.WriteFile("a.json", `[{
		"client_id": "a", "client_secret": "0123456789abcdef0123456789abcdef", "client_name": "Shop", "client_name#ja": "店",
		"redirect_uris": ["https://a.example/cb"], "response_types": ["code id_token", "code token", "code id_token token", "code", "id_token"],
		"grant_types": ["authorization_code", "refresh_token", "implicit"], "x_security_profile": "none",
		"frontchannel_logout_uri": "https://a.example/f", "frontchannel_logout_session_required": true}]`))
	servertest.Contains(t, imported.Out, "1 created")
	servertest.Contains(t, imported.Err, "x_security_profile is not understood")
	servertest.Lacks(t, imported.Err, "client_name#ja")
	sh.Must("clients", "update", "a", "--name=Store")
	var got map[string]any
	sh.JSON(&got, "clients", "get", "a")
	if got["client_name"] != "Store" || got["client_name#ja"] != "店" || got["localized"] != nil {
		t.Errorf("clients get = %v, want both names, each under its own", got)
	}
	servertest.Contains(t, sh.Must("clients", "get", "a"), "client_name#ja", "店")
	listed := sh.Must("clients", "list", "--json")
	servertest.Contains(t, sh.Must("clients", "import", sh.WriteFile("listed.json", listed)), "1 unchanged")
}
