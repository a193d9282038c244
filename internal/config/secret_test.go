package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/config"
)

func TestSecretsAreNeverShown(t *testing.T) {
	t.Parallel()

	c := config.Default()
	c.DatabaseURL = config.NewSecret("postgres://u:" + secretText + "@h/d")
	c.SystemSecrets = []config.Secret{config.NewSecret(secretText)}
	c.RegistrationTokens = c.SystemSecrets
	hidden := struct{ c config.Config }{*c}

	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).LogAttrs(t.Context(), slog.LevelInfo, "configured",
		slog.Any("config", c), slog.Any("value", *c), slog.Any("secret", c.DatabaseURL))
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	shown := []string{c.String(), log.String(), string(encoded), fmt.Sprint(c.Validate(config.ServeRequires()...))}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		shown = append(shown, fmt.Sprintf(verb, c), fmt.Sprintf(verb, *c), fmt.Sprintf(verb, hidden), fmt.Sprintf(verb, c.SystemSecrets))
	}
	for _, text := range shown {
		if strings.Contains(text, secretText) || strings.Contains(text, fmt.Sprintf("%x", secretText)) {
			t.Errorf("a secret is shown in %s", text)
		}
	}
	if !strings.Contains(c.String(), "system_secrets = [redacted]") {
		t.Errorf("String does not show the placeholder of a secret:\n%s", c)
	}
}

func TestFaultsDoNotShowSecrets(t *testing.T) {
	t.Parallel()

	const word = "hunter2"
	for name, src := range map[string]config.Sources{
		"a secret too short":         {Environ: []string{"OSTIARY_SYSTEM_SECRETS=" + word}},
		"an unknown database scheme": {Override: map[string]string{"database_url": "mysql://u:" + word + "@h/d"}},
		"a misspelled variable":      {Environ: []string{"OSTIARY_DATABASE_UR=postgres://u:" + word + "@h/d"}},
		"a misspelled key":           {File: write(t, "a.yaml", "system_secretz: "+word)},
		"a list with a comma":        {File: write(t, "b.yaml", "system_secrets: ['"+word+",x']")},
		"a file that is not YAML":    {File: write(t, "c.yaml", "system_secrets: |"+word+"\n")},
		"an unterminated quote":      {File: write(t, "d.yaml", "system_secrets: \""+word+"\n")},
		"a key set twice":            {File: write(t, "e.yaml", "database_url: sqlite:x\ndatabase_url: "+word)},
		"a file with a short secret": {Environ: []string{"OSTIARY_SYSTEM_SECRETS_FILE=" + write(t, "s", word)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			_, err := config.Load(src)
			if err == nil {
				t.Fatal("Load returned no error")
			}
			if strings.Contains(err.Error(), word) {
				t.Errorf("the secret is shown in %v", err)
			}
		})
	}
}
