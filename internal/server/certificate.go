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

// certificateStaleness is how long after a renewal the old certificate may still
// be shown.
const certificateStaleness = 10 * time.Second

// certificate is the one of the configuration. Whoever renews it replaces the two
// files, and nobody has to restart anything.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger
	now               func() time.Time

	mu        sync.Mutex
	loaded    *tls.Certificate
	modTimes  [2]time.Time // when those that are loaded were changed
	checkedAt time.Time
}

// loadCertificate reads the certificate, which must be good at the start.
func loadCertificate(certFile, keyFile string, log *slog.Logger, now func() time.Time) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log, now: now}
	return c, c.load(c.readModTimes())
}

// Get returns the certificate to show. It is a [tls.Config.GetCertificate].
func (c *certificate) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.checkedAt) >= certificateStaleness {
		c.checkedAt = now
		c.reload()
	}
	return c.loaded, nil
}

// renew reads the files again if they have changed. While they do not fit each
// other, as between the replacement of one and of the other, the old ones serve.
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

// changed tells when each file was last written; one that is not there was never.
func (c *certificate) readModTimes() (files [2]time.Time) {
	for i, name := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(name); err == nil {
			files[i] = info.ModTime()
		}
	}
	return files
}
