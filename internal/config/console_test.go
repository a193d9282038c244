package config

import (
	"strings"
	"testing"
)

func TestConsoleRoot(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		set  map[string]string
		want string // the root, or the fault after "!"
	}{
		"the default":                {nil, "http://127.0.0.1:4445/console"},
		"a loopback name":            {map[string]string{"admin_listen": "localhost:9000"}, "http://127.0.0.1:9000/console"},
		"an origin":                  {map[string]string{"admin_listen": ":4445", "console_url": "https://admin.example.com/"}, "https://admin.example.com/console"},
		"no origin":                  {map[string]string{"admin_listen": "0.0.0.0:4445"}, "!console_url is required"},
		"a Unix socket":              {map[string]string{"admin_listen": "unix:/run/admin.sock"}, ""},
		"a Unix socket and a proxy":  {map[string]string{"admin_listen": "unix:/run/admin.sock", "console_url": "https://admin.example.com"}, "https://admin.example.com/console"},
		"no admin listener":          {map[string]string{"admin_listen": "off"}, ""},
		"off":                        {map[string]string{"console": "off", "admin_listen": ":4445"}, ""},
		"public":                     {map[string]string{"console": "public"}, "https://id.example.com/auth/console"},
		"public with an origin":      {map[string]string{"console": "public", "console_url": "https://admin.example.com"}, "!console_url has no effect"},
		"an origin with a path":      {map[string]string{"console_url": "https://admin.example.com/x"}, "!console_url is not an origin"},
		"an origin without TLS":      {map[string]string{"console_url": "http://admin.example.com"}, "!console_url has a scheme"},
		"an origin, not normalised":  {map[string]string{"console_url": "https://Admin.example.com:443"}, "!console_url is not an origin"},
		"a value that is no setting": {map[string]string{"console": "yes"}, "!console is not an allowed value"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := Load(Sources{Defaults: map[string]string{"issuer": "https://id.example.com/auth"}, Override: tc.set})
			if problem, wrong := strings.CutPrefix(tc.want, "!"); wrong {
				if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), "  ", " "), problem[strings.Index(problem, " ")+1:]) {
					t.Errorf("Load() = %v, want %q", err, problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := c.ConsoleRoot(); got != tc.want {
				t.Errorf("ConsoleRoot() = %q, want %q", got, tc.want)
			}
		})
	}
}

func TestConsoleOfBrowsers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		set  map[string]string
		want string
	}{
		"public":                       {map[string]string{"issuer": "https://id.example.com", "console": "public"}, "https://id.example.com/console"},
		"an origin":                    {map[string]string{"issuer": "https://id.example.com", "console_url": "https://admin.example.com"}, "https://admin.example.com/console"},
		"loopback, issuer elsewhere":   {map[string]string{"issuer": "https://id.example.com"}, ""},
		"loopback, as is the issuer":   {map[string]string{"issuer": "http://localhost:4444"}, "http://127.0.0.1:4445/console"},
		"off":                          {map[string]string{"issuer": "http://localhost:4444", "console": "off"}, ""},
		"an app for signing in":        {map[string]string{"issuer": "http://localhost:4444", "login_url": "http://localhost:3000/login"}, ""},
		"no admin listener":            {map[string]string{"issuer": "http://localhost:4444", "admin_listen": "off"}, ""},
		"public, on a loopback issuer": {map[string]string{"issuer": "http://localhost:4444/auth", "console": "public"}, "http://localhost:4444/auth/console"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := Load(Sources{Override: tc.set})
			if err != nil {
				t.Fatal(err)
			}
			if got := c.ConsoleOfBrowsers(); got != tc.want {
				t.Errorf("ConsoleOfBrowsers() = %q, want %q", got, tc.want)
			}
		})
	}
}
