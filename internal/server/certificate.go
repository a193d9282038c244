package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificateStaleness is how long the old certificate may be used after a renewal.
const certificateStaleness = 10 * time.Second

// certificate is the configured TLS certificate. It is reloaded when its files change, without
// a restart.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger
	now               func() time.Time

	mu        sync.Mutex
	loaded    *tls.Certificate
	modTimes  [2]time.Time // of the loaded files
	checkedAt time.Time
}

// loadCertificate reads the certificate and its key. It returns an error if they are invalid.
func loadCertificate(certFile, keyFile string, log *slog.Logger, now func() time.Time) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log, now: now}
	return c, c.load(c.readModTimes())
}

// Get returns the current certificate. It is a [tls.Config.GetCertificate].
func (c *certificate) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.checkedAt) >= certificateStaleness {
		c.checkedAt = now
		c.reload()
	}
	return c.loaded, nil
}

// reload reads the files if they have changed. It keeps the loaded certificate while the new
// files do not match, as between the replacement of the certificate and of its key.
func (c *certificate) reload() {
	files := c.readModTimes()
	if files == c.modTimes {
		return
	}
	if err := c.load(files); err != nil {
		c.log.LogAttrs(context.Background(), slog.LevelWarn, "new certificate cannot be used, the old one stays", slog.Any("error", err))
		return
	}
	c.log.LogAttrs(context.Background(), slog.LevelInfo, "certificate renewed", slog.Time("not_after", c.loaded.Leaf.NotAfter))
}

func (c *certificate) load(files [2]time.Time) error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("read certificate: %w", err)
	}
	c.loaded, c.modTimes = &pair, files
	return nil
}

// readModTimes returns when each file was last modified, zero for a missing file.
func (c *certificate) readModTimes() (files [2]time.Time) {
	for i, name := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(name); err == nil {
			files[i] = info.ModTime()
		}
	}
	return files
}

// certificateEnds returns the end of the TLS certificate of the public listener, zero without one.
func (s *Server) certificateEnds() time.Time {
	c := s.certificate.Load()
	if c == nil {
		return time.Time{}
	}
	pair, _ := c.Get(nil) // never fails
	return pair.Leaf.NotAfter
}
