package outbound

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/admission"
	"github.com/ostiary/ostiary/internal/passwordpolicy"
)

const (
	// breachTimeout is the timeout of a query, in which a user waits for the page.
	breachTimeout = 2 * time.Second
	// maxBreachBody is the maximum size of a response, which has some 2,000 lines of 40 bytes.
	maxBreachBody = 512 << 10
	// maxBreachCalls is the maximum number of concurrent queries.
	maxBreachCalls = 64
	// breachPrefix is the number of hexadecimal digits of a hash that the service learns.
	breachPrefix = 5
)

// Breaches queries a service for breached passwords by the range of their hash: the service
// learns five hexadecimal digits of the SHA-1, which it shares with hundreds of other passwords.
// The operator configures the URL, so it may be in a private network.
type Breaches struct {
	url         string
	http        *http.Client
	calls       *admission.Queue
	withoutSlot func(ctx context.Context, wait func())
}

// NewBreaches returns a client of the service whose ranges are below url. ca has
// certificates that are trusted in addition to those of the system. It returns an error if ca
// is not empty and has no certificate.
func NewBreaches(url string, ca []byte, withoutSlot func(ctx context.Context, wait func())) (*Breaches, error) {
	roots, err := trusted(ca)
	if err != nil {
		return nil, err
	}
	if !strings.HasSuffix(url, "/") {
		url += "/"
	}
	return &Breaches{url: url, withoutSlot: withoutSlot, calls: admission.New(maxBreachCalls, 0, time.Second), http: &http.Client{
		Timeout:       breachTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            (&net.Dialer{Timeout: breachTimeout}).DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			MaxIdleConnsPerHost:    4,
			IdleConnTimeout:        time.Minute,
			MaxResponseHeaderBytes: maxHead,
			ForceAttemptHTTP2:      true,
		},
	}}, nil
}

// Contains reports whether the service knows a password. It takes at most two seconds.
func (b *Breaches) Contains(ctx context.Context, password passwordpolicy.Digest) (found bool, err error) {
	b.withoutSlot(ctx, func() { found, err = b.contains(ctx, strings.ToUpper(hex.EncodeToString(password[:]))) })
	if err != nil {
		return false, fmt.Errorf("query breached passwords: %w", err)
	}
	return found, nil
}

func (b *Breaches) contains(ctx context.Context, digest string) (bool, error) {
	slot, err := b.calls.Acquire(ctx)
	if err != nil {
		return false, err
	}
	defer slot.Release()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+digest[:breachPrefix], http.NoBody)
	if err != nil {
		return false, errors.New("invalid URL")
	}
	request.Header.Set("Add-Padding", "true") // the size of the response reveals no range
	request.Header.Set("User-Agent", "ostiary")
	response, err := b.http.Do(request)
	if err != nil {
		return false, callError(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return false, &statusError{response.StatusCode}
	}
	lines := bufio.NewScanner(io.LimitReader(response.Body, maxBreachBody))
	for lines.Scan() {
		suffix, count, _ := strings.Cut(strings.TrimSpace(lines.Text()), ":")
		if strings.EqualFold(suffix, digest[breachPrefix:]) && count != "0" { // 0 is padding
			return true, nil
		}
	}
	if err := lines.Err(); err != nil {
		return false, callError(ctx, err)
	}
	return false, nil
}
