package contract

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// publicPaths are the addresses of the public listener.
func publicPaths() []string {
	return []string{
		"/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration",
		"/", "/connect/register", "/connect/register/x", "/consent", "/device", "/health/alive", "/health/ready", "/login",
		"/metrics", "/nothing", "/oauth2/auth", "/oauth2/device/auth", "/oauth2/device/verify", "/oauth2/introspect", "/oauth2/register",
		"/oauth2/register/x", "/oauth2/revoke", "/oauth2/sessions/check", "/oauth2/sessions/logout", "/oauth2/token", "/setup", "/signup", "/recover", "/verify", "/invitation",
		"/static/app.css", "/userinfo", "/version",
	}
}

// adminPaths are the addresses of the admin listener that its own description lacks.
func adminPaths() []string {
	return []string{"/health/alive", "/health/ready", "/metrics", "/metrics/prometheus", "/nothing", "/openapi.json", "/version"}
}

// TestRoutes holds, for each path and method, the status, the names of the headers and
// the error code of a request without parameters, with built-in pages and with the
// operator's apps, and that no path of the administrators' API differs below /admin or
// with a slash at its end.
func TestRoutes(t *testing.T) {
	t.Parallel()

	for name, settings := range map[string][]string{
		"default": nil,
		"open":    {"sign_up=on", "mail_url=smtp+plain://127.0.0.1:9", "mail_from=no-reply@id.example", "registration=open", "legacy_response_types=on", "admin_auth=none", "public_version=on"},
		"apps": {
			"login_url=https://app.example/login", "consent_url=https://app.example/consent", "logout_url=https://app.example/logout",
			"device_url=https://app.example/device", "error_url=https://app.example/error", "post_logout_url=https://app.example/bye",
			"device_success_url=https://app.example/done", "admin_auth=none",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			s := start(t, settings...)
			var all []string
			for _, path := range publicPaths() {
				for _, method := range []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"} {
					all = append(all, "public "+probe(t, s.public, method, path))
				}
			}
			for _, path := range adminPaths() {
				for _, method := range []string{"GET", "HEAD", "POST"} {
					result := probe(t, s.admin, method, path)
					all = append(all, "admin "+result)
					if below := probe(t, s.admin, method, "/admin"+path); below != strings.Replace(result, path, "/admin"+path, 1) {
						t.Errorf("%s\ndiffers from\n%s", below, result)
					}
				}
			}
			document := s.admin.do(t, http.MethodGet, "/openapi.json", "").body
			for _, operation := range operations(t, document) {
				method, path, _ := strings.Cut(operation, " ")
				result := probe(t, s.admin, method, path)
				all = append(all, "admin "+result)
				if name != "open" || slices.Contains(adminPaths(), path) {
					continue
				}
				all = append(all, "admin "+probe(t, s.admin, "TRACE", path))
				if method == http.MethodGet {
					all = append(all, "admin "+probe(t, s.admin, "HEAD", path))
				}
				for _, other := range []string{"/admin" + path, path + "/", "/admin" + path + "/"} {
					if below := probe(t, s.admin, method, other); below != strings.Replace(result, path, other, 1) {
						t.Errorf("%s\ndiffers from\n%s", below, result)
					}
				}
			}
			golden(t, "routes-"+name+".txt", lines(t, 200, all))
			if name != "open" {
				golden(t, "openapi-"+name+".json", canonical(t, document))
			}
			discovery := s.public.do(t, http.MethodGet, "/.well-known/openid-configuration", "").body
			golden(t, "discovery-"+name+".json", canonical(t, discovery))
			if other := s.public.do(t, http.MethodGet, "/.well-known/oauth-authorization-server", "").body; other != discovery {
				t.Errorf("the metadata of RFC 8414 differs from those of OpenID Connect Discovery:\n%s\n%s", other, discovery)
			}
		})
	}
}

// operations lists method and path of each operation of an OpenAPI document, with x for
// each variable.
func operations(t *testing.T, document string) []string {
	t.Helper()
	var d struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal([]byte(document), &d); err != nil {
		t.Fatal(err)
	}
	var all []string
	for path, methods := range d.Paths {
		for method := range methods {
			all = append(all, strings.ToUpper(method)+" "+regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, "x"))
		}
	}
	slices.Sort(all)
	return all
}

// canonical returns a JSON document with its members sorted and without its sentences.
func canonical(t *testing.T, document string) string {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(document), &value); err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(withoutSentences(value), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n"
}

// withoutSentences removes members whose values are sentences. A schema may have a
// property of the same name, whose value is an object.
func withoutSentences(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			if _, ok := member.(string); ok && slices.Contains([]string{"summary", "description", "title", "version"}, name) {
				delete(value, name)
				continue
			}
			value[name] = withoutSentences(member)
		}
	case []any:
		for i := range value {
			value[i] = withoutSentences(value[i])
		}
	}
	return value
}

// probe sends a request without parameters and returns the contract of the response.
func probe(t *testing.T, e endpoint, method, path string) string {
	t.Helper()
	header := []string{"Origin", "https://app.example"}
	if method == http.MethodOptions {
		header = append(header, "Access-Control-Request-Method", http.MethodPost, "Access-Control-Request-Headers", "authorization")
	}
	return method + " " + path + " " + e.do(t, method, path, "", header...).promised()
}

// everywhere are the headers of every response. Only their absence is written down.
func everywhere() []string {
	return []string{"Content-Security-Policy", "Referrer-Policy", "X-Content-Type-Options", "X-Request-Id"}
}

// promised returns the status, the names of the headers, the values of headers that are
// always the same, and the error code.
func (a answer) promised() string {
	var names []string
	for _, name := range everywhere() {
		if a.Header.Get(name) == "" {
			names = append(names, "no "+name)
		}
	}
	for name := range a.Header {
		value := ""
		switch name {
		case "Content-Security-Policy", "Referrer-Policy", "X-Content-Type-Options", "X-Request-Id":
			continue // of everywhere
		case "Date", "Content-Length", "Last-Modified":
			continue
		case "Cache-Control":
			value = "=" + countdown.ReplaceAllString(a.Header.Get(name), "max-age<900")
		case "Access-Control-Allow-Headers", "Access-Control-Allow-Methods", "Access-Control-Allow-Origin", "Allow", "Content-Type":
			value = "=" + a.Header.Get(name)
		case "Www-Authenticate":
			value = "=" + regexp.MustCompile(`error_description="[^"]*"`).ReplaceAllString(a.Header.Get(name), `error_description`)
		}
		names = append(names, name+value)
	}
	slices.Sort(names)
	return fmt.Sprintf("%d [%s]%s", a.StatusCode, strings.Join(names, "; "), a.code())
}

// countdown is the max-age of the key set, which counts down from 900 s.
var countdown = regexp.MustCompile(`max-age=8\d\d\b`)

var errorCode = regexp.MustCompile(`id="error-code"[^>]*>([^<]*)<`)

// code returns the error code that a body names.
func (a answer) code() string {
	var failure struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal([]byte(a.body), &failure) == nil && failure.Error != nil {
		return " error=" + string(failure.Error)
	}
	if m := errorCode.FindStringSubmatch(a.body); m != nil {
		return " page=" + m[1]
	}
	return ""
}
