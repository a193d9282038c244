package server_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/dev"
	"github.com/ostiary/ostiary/internal/server"
)

func TestRenewedCertificateIsLoadedWithoutRestart(t *testing.T) {
	t.Parallel()
	made := func() (cert, key []byte) {
		cert, key, err := dev.SelfSigned(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return cert, key
	}
	clock := time.Now()
	folder := t.TempDir()
	certFile, keyFile := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	replace := func(text []byte, to string) {
		err := os.WriteFile(to, text, 0o600)
		if err == nil { // modification times follow the test's clock
			err = os.Chtimes(to, clock, clock)
		}
		if err != nil {
			t.Fatal(err)
		}
	}

	cert, key := made()
	replace(cert, certFile)
	replace(key, keyFile)
	c, err := server.LoadCertificate(certFile, keyFile, slog.New(slog.DiscardHandler), func() time.Time { return clock })
	if err != nil {
		t.Fatal(err)
	}
	serial := func() string {
		t.Helper()
		clock = clock.Add(server.CertificateStaleness)
		shown, err := c.Get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return shown.Leaf.SerialNumber.String()
	}

	first := serial()
	cert, key = made()
	replace(cert, certFile)
	if got := serial(); got != first {
		t.Errorf("with a key that does not fit yet, certificate %s is shown, want %s, the old one", got, first)
	}
	replace(key, keyFile)
	second := serial()
	if second == first {
		t.Errorf("the old certificate is still shown")
	}
	if err := os.Remove(certFile); err != nil {
		t.Fatal(err)
	}
	if got := serial(); got != second {
		t.Errorf("without its file, certificate %s is shown, want %s as before", got, second)
	}
}
