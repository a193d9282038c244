package registration

import (
	"net/http"
	"strings"
	"testing"
)

// Clients register one name of their certificate, and only while mutual TLS is on.
//
// Spec: RFC 8705 §2.1.2, §3.4.
func TestCertificateMembers(t *testing.T) {
	t.Parallel()

	on := newFixture(t, func(c *Config) { c.Policy.MutualTLS = []string{"tls_client_auth", "self_signed_tls_client_auth"} })
	off := newFixture(t, func(*Config) {})
	const keys = `"jwks_uri":"https://rp.example/jwks"`
	for members, want := range map[string]string{ // the member of the error, empty for none
		`"tls_client_auth_subject_dn":"CN=a\\, b+UID=1,O=Übung,C=DE"`:                             "",
		`"tls_client_auth_san_dns":"a.example"`:                                                   "",
		`"tls_client_auth_san_uri":"spiffe://example/a"`:                                          "",
		`"tls_client_auth_san_ip":"2001:DB8::1"`:                                                  "",
		`"tls_client_auth_san_email":"a@example.com"`:                                             "",
		`"tls_client_auth_san_dns":"a.example","tls_client_certificate_bound_access_tokens":true`: "",
		`"token_endpoint_auth_method":"self_signed_tls_client_auth",` + keys:                      "",
		`"token_endpoint_auth_method":"none","tls_client_certificate_bound_access_tokens":true`:   "",

		`"tls_client_auth_san_ip":""`: "tls_client_auth_subject_dn",
		`"tls_client_auth_san_dns":"a.example","tls_client_auth_san_ip":"192.0.2.1"`:      "tls_client_auth_san_ip",
		`"tls_client_auth_subject_dn":"CN=a","tls_client_auth_san_email":"a@example.com"`: "tls_client_auth_san_email",
		`"tls_client_auth_subject_dn":"a"`:                                                "tls_client_auth_subject_dn",
		`"tls_client_auth_subject_dn":"XYZ=a"`:                                            "tls_client_auth_subject_dn",
		`"tls_client_auth_san_dns":"*.example"`:                                           "tls_client_auth_san_dns",
		`"tls_client_auth_san_dns":"a b"`:                                                 "tls_client_auth_san_dns",
		`"tls_client_auth_san_uri":"a"`:                                                   "tls_client_auth_san_uri",
		`"tls_client_auth_san_ip":"a.example"`:                                            "tls_client_auth_san_ip",
		`"tls_client_auth_san_ip":"192.0.2.0/24"`:                                         "tls_client_auth_san_ip",
		`"tls_client_auth_san_email":"example.com"`:                                       "tls_client_auth_san_email",
		`"token_endpoint_auth_method":"self_signed_tls_client_auth"`:                      "jwks",
		`"tls_client_auth_san_dns":"a.example","tls_client_certificate_bound_access_tokens":true,"dpop_bound_access_tokens":true`: "tls_client_certificate_bound_access_tokens",
	} {
		body := `{"redirect_uris":["https://rp.example/cb"],` + members
		if !strings.Contains(members, "token_endpoint_auth_method") {
			body += `,"token_endpoint_auth_method":"tls_client_auth"`
		}
		got := on.do(t, http.MethodPost, connect, body+"}")
		switch {
		case want == "" && got.status != http.StatusCreated:
			t.Errorf("%s: %d %v", members, got.status, got.body)
		case want != "" && (got.status != http.StatusBadRequest || got.text("error") != "invalid_client_metadata" || !strings.HasPrefix(got.text("error_description"), want+" ")):
			t.Errorf("%s: %d %v, want an error of %s", members, got.status, got.body, want)
		}
		if without := off.do(t, http.MethodPost, connect, body+"}"); without.status != http.StatusBadRequest {
			t.Errorf("without mutual TLS, %s: %d %v", members, without.status, without.body)
		}
	}
	sent := on.register(t, connect, `{"redirect_uris":["https://rp.example/cb"],"token_endpoint_auth_method":"tls_client_auth","tls_client_auth_san_ip":"192.0.2.1","tls_client_certificate_bound_access_tokens":true}`)
	if sent.body["tls_client_auth_san_ip"] != "192.0.2.1" || sent.body["tls_client_certificate_bound_access_tokens"] != true || sent.body["client_secret"] != nil {
		t.Errorf("registered %v", sent.body)
	}
}
