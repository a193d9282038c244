package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/config"
)

func TestServerRejectsInvalidStatementKeys(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(file, []byte(`{"keys":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	conf := config.Default()
	conf.SoftwareStatementKeysFile = file
	if err := composeRegistration(t.Context(), &Server{Options: Options{Config: conf}}); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("err = %v, want one that names the file", err)
	}
}
