package config_test

import (
	"maps"
	"testing"

	"github.com/ostiary/ostiary/internal/config"
)

func TestHookSettingsMustBeComplete(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		settings map[string]string
		want     string // the key with the error, or empty
	}{
		"no settings":                      {nil, ""},
		"a URL":                            {map[string]string{"_url": "http://hook.internal:8080/ask?a=b"}, ""},
		"all settings":                     {map[string]string{"_url": "https://hook", "_auth_in": "cookie", "_auth_name": "k", "_auth_value": "v"}, ""},
		"a name without a value":           {map[string]string{"_url": "https://hook", "_auth_name": "k"}, "_auth_value"},
		"a value without a name":           {map[string]string{"_url": "https://hook", "_auth_value": "v"}, "_auth_name"},
		"a name and a value without a URL": {map[string]string{"_auth_name": "k", "_auth_value": "v"}, "_url"},
		"a value with a line break":        {map[string]string{"_url": "https://hook", "_auth_name": "k", "_auth_value": "a\nb"}, "_auth_value"},
		"a user in the URL":                {map[string]string{"_url": "https://u:p@hook"}, "_url"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			for _, hook := range []string{"token_hook", "refresh_token_hook"} {
				settings := map[string]string{}
				for suffix := range maps.Keys(tc.settings) {
					settings[hook+suffix] = tc.settings[suffix]
				}
				got := faults(t, config.Sources{Override: settings})
				if tc.want == "" && len(got) == 0 || len(got) > 0 && got[0].Key == hook+tc.want {
					continue
				}
				t.Errorf("%v: faults are %v, want one of %s%s", settings, got, hook, tc.want)
			}
		})
	}
}
