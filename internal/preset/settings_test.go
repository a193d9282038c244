package preset_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/hashicorp/hcl"
	"gopkg.in/ini.v1"

	"github.com/ostiary/ostiary/internal/preset"
)

func server() preset.Server {
	const issuer = "https://id.example.org"
	return preset.Server{
		Name: "Ostiary", Issuer: issuer, Authorization: issuer + "/oauth2/auth", Token: issuer + "/oauth2/token", Userinfo: issuer + "/userinfo",
		JWKS: issuer + "/.well-known/jwks.json", EndSession: issuer + "/oauth2/sessions/logout", Introspection: issuer + "/oauth2/introspect",
		DeviceAuthorization: issuer + "/oauth2/device/auth",
	}
}

// The settings of each preset have the syntax of their format, and contain the client's
// credentials even if those are full of the syntax of all formats.
func TestSettingsCanBeParsed(t *testing.T) {
	t.Parallel()

	for name, r := range map[string]preset.Registered{
		"generated": {ID: "grafana-4m2k", Secret: "mJ8vQ2xT5nR7bK1wL9cF3hG6dS4aP0zYeXuVtBoN", SecondID: "2nd-7q2x"},
		"hostile":   {ID: `a"b'c\d$e#f;g&h|i`, Secret: `S"e'c\r%e {t}$x #y;z&<>` + "`w", SecondID: `s"e'c`},
	} {
		for _, p := range list(t) {
			c := resolve(t, p)
			r.Metadata = c.Client
			s := server()
			if name == "hostile" {
				s.Name = `Ana's "Door" \ ü: # x`
			}
			snippets, err := c.Settings(s, r)
			if err != nil {
				t.Errorf("%s: %v", p.ID, err)
				continue
			}
			secrets := 0
			for _, snippet := range snippets {
				secrets += checkSnippet(t, name+" "+p.ID, snippet, s.Name, r)
			}
			if (secrets > 0) != c.Client.UsesSecret() {
				t.Errorf("%s %s: %d snippets contain the secret, and token_endpoint_auth_method is %s", name, p.ID, secrets, c.Client.TokenEndpointAuthMethod)
			}
		}
	}
}

// checkSnippet parses a snippet, and returns 1 if it contains the secret.
func checkSnippet(t *testing.T, name string, s preset.Snippet, server string, r preset.Registered) int {
	t.Helper()
	name += " " + s.Format
	for _, left := range []string{"{{", "<no value>", "{app}", "{provider}"} {
		if strings.Contains(s.Text, left) {
			t.Errorf("%s contains %s:\n%s", name, left, s.Text)
		}
	}
	values, err := parse(t, s)
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, s.Text)
		return 0
	}
	if len(values) == 0 {
		t.Errorf("%s has no values:\n%s", name, s.Text)
	}
	// Parts of a value that is not one of these would show as another value.
	for _, value := range []string{server, r.ID, r.Secret, r.SecondID} {
		begins := func(text string) bool { return len(value) > 3 && strings.HasPrefix(text, value[:3]) }
		if slices.ContainsFunc(values, begins) && !slices.ContainsFunc(values, func(text string) bool { return strings.Contains(text, value) }) {
			t.Errorf("%s contains %q only in part: %q\n%s", name, value, values, s.Text)
		}
	}
	if slices.ContainsFunc(values, func(text string) bool { return strings.Contains(text, r.Secret) }) {
		return 1
	}
	return 0
}

// parse returns the values in a snippet.
func parse(t *testing.T, s preset.Snippet) (values []string, err error) {
	t.Helper()
	switch s.Format {
	case "env":
		return parseEnv(t, s.Text), nil
	case "shell":
		return parseShell(t, s.Text), nil
	case "ini":
		return parseINI(s.Text)
	case "properties":
		return parseProperties(s.Text), nil
	case "form":
		for line := range strings.Lines(s.Text) {
			field, value, found := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			if !found || field == "" || value == "" {
				t.Errorf("the line %q is no field with a value", line)
			}
			values = append(values, value)
		}
		return values, nil
	case "json":
		var v any
		err := json.Unmarshal([]byte(s.Text), &v)
		return flatten(v), err
	case "yaml", "helm":
		for document := range strings.SplitSeq(s.Text, "\n---\n") {
			var v any
			if err := yaml.Unmarshal([]byte(document), &v); err != nil {
				return nil, err
			}
			values = append(values, flatten(v)...)
		}
		return values, nil
	case "hcl":
		var v any
		err := hcl.Unmarshal([]byte(s.Text), &v)
		return flatten(v), err
	default:
		return parseCode(t, s.Text), nil
	}
}

// flatten returns all strings in a value. A string that is YAML or JSON is parsed too.
func flatten(v any) (values []string) {
	switch v := v.(type) {
	case map[string]any:
		for _, inner := range v {
			values = append(values, flatten(inner)...)
		}
	case []map[string]any:
		for _, inner := range v {
			values = append(values, flatten(inner)...)
		}
	case []any:
		for _, inner := range v {
			values = append(values, flatten(inner)...)
		}
	case string:
		var inner map[string]any
		if json.Unmarshal([]byte(v), &inner) == nil {
			return flatten(inner)
		}
		if strings.Contains(v, ":") && yaml.Unmarshal([]byte(v), &inner) == nil && len(inner) > 1 {
			return flatten(inner)
		}
		values = []string{v}
	}
	return values
}

// parseEnv reads a file as a shell does.
func parseEnv(t *testing.T, text string) (values []string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	script := exec.CommandContext(t.Context(), "/bin/sh", "-c", `set -a; . "$0"; exec /usr/bin/env -0`, file)
	script.Env = []string{}
	out, err := script.Output()
	if err != nil {
		t.Errorf("the environment file is invalid: %v\n%s", err, text)
	}
	for line := range bytes.SplitSeq(out, []byte{0}) {
		if name, value, found := strings.Cut(string(line), "="); found && name != "PWD" && name != "_" && name != "SHLVL" {
			values = append(values, flatten(value)...)
		}
	}
	if len(values) < strings.Count(text, "\n") {
		t.Errorf("%d values in %d lines:\n%s", len(values), strings.Count(text, "\n"), text)
	}
	return values
}

// parseShell returns the words of commands, which run as functions that print their arguments.
func parseShell(t *testing.T, text string) (values []string) {
	t.Helper()
	var functions strings.Builder
	for _, name := range []string{"curl", "php", "vault", "pveum", "gitea", "forgejo", "kubectl"} {
		functions.WriteString(name + `() { printf '%s\0' "$@"; }` + "\n")
	}
	script := exec.CommandContext(t.Context(), "/bin/sh", "-e", "-u", "-c", functions.String()+text)
	script.Env = []string{"PATH=", "TOKEN=token"} // any other command is not found
	out, err := script.CombinedOutput()
	if err != nil {
		t.Errorf("the command is invalid: %v: %s\n%s", err, out, text)
	}
	for word := range bytes.SplitSeq(out, []byte{0}) {
		values = append(values, string(word))
		if _, value, found := strings.Cut(string(word), "="); found {
			values = append(values, value)
		}
	}
	return values
}

func parseINI(text string) (values []string, err error) {
	file, err := ini.LoadSources(ini.LoadOptions{}, []byte(text))
	if err != nil {
		return nil, err
	}
	for _, section := range file.Sections() {
		for _, key := range section.Keys() {
			values = append(values, key.Value())
		}
	}
	return values, nil
}

func parseProperties(text string) (values []string) {
	for line := range strings.Lines(text) {
		_, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		unquoted, err := unquoteProperties(value)
		if err == nil {
			values = append(values, unquoted)
		}
	}
	return values
}

// unquoteProperties is the inverse of the escapes of java.util.Properties.
func unquoteProperties(value string) (text string, err error) {
	for value != "" {
		if digits, ok := strings.CutPrefix(value, `\u`); ok {
			var r string
			if err := json.Unmarshal([]byte(`"\u`+digits[:4]+`"`), &r); err != nil {
				return "", err
			}
			text, value = text+r, digits[4:]
			continue
		}
		value = strings.TrimPrefix(value, `\`)
		text, value = text+value[:1], value[1:]
	}
	return text, nil
}

// parseCode returns the string literals of a program, and checks that its brackets match.
func parseCode(t *testing.T, text string) (values []string) {
	t.Helper()
	closing := map[byte]byte{'(': ')', '[': ']', '{': '}'}
	var open []byte
	for i := 0; i < len(text); i++ {
		switch b := text[i]; {
		case closing[b] != 0:
			open = append(open, closing[b])
		case strings.IndexByte(")]}", b) >= 0:
			if len(open) == 0 || open[len(open)-1] != b {
				t.Fatalf("unexpected %c at %q", b, text[i:])
			}
			open = open[:len(open)-1]
		case b == '\'' || b == '"':
			var value []byte
			for i++; i < len(text) && text[i] != b; i++ {
				if text[i] == '\\' {
					i++
				}
				value = append(value, text[min(i, len(text)-1)])
			}
			if i >= len(text) {
				t.Fatalf("a string does not end: %q", text)
			}
			values = append(values, string(value))
		}
	}
	if len(open) > 0 {
		t.Errorf("%q is missing", open)
	}
	return values
}

func TestPlaceholdersStandForMissingCredentials(t *testing.T) {
	t.Parallel()

	p, err := preset.Find("argocd")
	if err != nil {
		t.Fatal(err)
	}
	c := resolve(t, p)
	snippets, err := c.Settings(server(), preset.Registered{Metadata: c.Client})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`clientID: "CLIENT_ID"`, `clientSecret: "CLIENT_SECRET"`, `cliClientID: "SECOND_CLIENT_ID"`, `requestedScopes: ["openid", "profile", "email", "groups"]`} {
		if !strings.Contains(snippets[0].Text, want) {
			t.Errorf("the settings lack %s:\n%s", want, snippets[0].Text)
		}
	}
	s := server()
	s.Issuer = "https://id.example.org/$(id)"
	if _, err := c.Settings(s, preset.Registered{Metadata: c.Client}); err == nil {
		t.Error("an issuer with shell syntax was written into settings")
	}
}
