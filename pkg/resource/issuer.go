package resource

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/jws"
)

const (
	// maxDocument is the maximum size of metadata, a key set or an introspection response, in bytes.
	maxDocument = 256 << 10
	// fetchTimeout is the time for an answer of the issuer.
	fetchTimeout = 10 * time.Second
)

// issuerDocuments fetches the documents of an issuer.
type issuerDocuments struct {
	issuer string
	client *http.Client
}

func newIssuerDocuments(issuer string, client *http.Client) (*issuerDocuments, error) {
	at, err := url.Parse(issuer)
	if err != nil || at.Scheme != "https" && at.Scheme != "http" || at.Host == "" || at.RawQuery != "" || at.Fragment != "" {
		return nil, fmt.Errorf("invalid issuer %q: it must be a URL without query and fragment", issuer)
	}
	if client == nil {
		client = &http.Client{
			Timeout:       fetchTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return &issuerDocuments{issuer, client}, nil
}

// metadata fetches the metadata of the issuer, which must be about the same issuer.
//
// Spec: RFC 8414 §3, OpenID Connect Discovery §4.
func (d *issuerDocuments) metadata(ctx context.Context) (jws.Object, error) {
	at, err := url.Parse(d.issuer)
	if err != nil {
		return nil, err
	}
	body, err := d.get(ctx, at.Scheme+"://"+at.Host+"/.well-known/oauth-authorization-server"+strings.TrimSuffix(at.EscapedPath(), "/"))
	if err != nil {
		if body, err = d.get(ctx, strings.TrimSuffix(d.issuer, "/")+"/.well-known/openid-configuration"); err != nil {
			return nil, err
		}
	}
	found, ok := jws.ParseObject(body)
	if !ok || found.Text("issuer") != d.issuer {
		return nil, fmt.Errorf("the metadata of %s is invalid, or of another issuer", d.issuer)
	}
	return found, nil
}

// get fetches a document.
func (d *issuerDocuments) get(ctx context.Context, from string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil) //nolint:gosec // a URL of the configuration, or of the metadata of the issuer
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	return d.do(r)
}

// do sends a request and returns the body of a response with status 200.
func (d *issuerDocuments) do(r *http.Request) ([]byte, error) {
	r.Header.Set("Accept", "application/json")
	response, err := d.client.Do(r) //nolint:gosec // as above
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	defer response.Body.Close() //nolint:errcheck // nothing was written
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetch %s: status %d", r.URL.Redacted(), response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxDocument+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("fetch %s: %w", r.URL.Redacted(), err)
	case len(body) > maxDocument:
		return nil, fmt.Errorf("fetch %s: more than %d bytes", r.URL.Redacted(), maxDocument)
	}
	return body, nil
}
