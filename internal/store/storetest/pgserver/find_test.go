package pgserver

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestNewestVersionIsChosen(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		complete, incomplete []string
		want                 string
	}{
		"fifteen is more than nine":               {[]string{"9.6", "15", "13"}, nil, "15"},
		"one without its server is passed over":   {[]string{"15"}, []string{"17"}, "15"},
		"a directory that is no version is noise": {[]string{"15", "zoo"}, nil, "15"},
		"nothing there is nothing found":          {nil, []string{"16"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			root := t.TempDir()
			for _, version := range append(tc.complete, tc.incomplete...) {
				if err := os.MkdirAll(filepath.Join(root, version, "bin"), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			for _, version := range tc.complete {
				if err := os.WriteFile(filepath.Join(root, version, "bin", "initdb"), nil, 0o755); err != nil {
					t.Fatal(err)
				}
			}

			got, err := newest(filepath.Join(root, "*", "bin"))
			if tc.want == "" {
				if !errors.Is(err, ErrMissing) {
					t.Errorf("newest = %q, %v, want %v", got, err, ErrMissing)
				}
				return
			}
			if want := filepath.Join(root, tc.want, "bin"); got != want || err != nil {
				t.Errorf("newest = %q, %v, want %q", got, err, want)
			}
		})
	}
}
