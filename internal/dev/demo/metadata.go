package demo

import "strings"

const scope = "openid profile email address phone offline_access"

// Metadata returns the registration metadata of the demo application.
//
// Spec: RFC 7591 §2; OpenID Connect RP-Initiated Logout §3.1.
func Metadata(baseURL string) map[string]any {
	base := strings.TrimSuffix(baseURL, "/")
	return map[string]any{
		"client_name":                "Demo app",
		"client_uri":                 base + "/",
		"policy_uri":                 base + "/policy",
		"tos_uri":                    base + "/terms",
		"application_type":           "web",
		"redirect_uris":              []string{base + "/callback"},
		"post_logout_redirect_uris":  []string{base + "/signed-out"},
		"grant_types":                []string{"authorization_code", "refresh_token"},
		"response_types":             []string{"code"},
		"token_endpoint_auth_method": "client_secret_basic",
		"scope":                      scope,
	}
}
