package resource

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/dpop"
)

// wellKnown is the path of the metadata of a resource without a path.
const wellKnown = "/.well-known/oauth-protected-resource"

// Metadata describes a protected resource to clients.
//
// Spec: RFC 9728 §2.
type Metadata struct {
	Resource               string   `json:"resource"`
	AuthorizationServers   []string `json:"authorization_servers,omitempty"`
	ScopesSupported        []string `json:"scopes_supported,omitempty"`
	BearerMethodsSupported []string `json:"bearer_methods_supported"`
	Name                   string   `json:"resource_name,omitempty"`
	Documentation          string   `json:"resource_documentation,omitempty"`
	CertificateBoundTokens bool     `json:"tls_client_certificate_bound_access_tokens,omitempty"`
	DPoPAlgorithms         []string `json:"dpop_signing_alg_values_supported,omitempty"`
	DPoPRequired           bool     `json:"dpop_bound_access_tokens_required,omitempty"`
}

// MetadataURL returns the URL of the metadata of a resource: the well-known path is inserted before the
// path of the resource, and not appended to it. It is empty for a resource that is not a URL.
//
// Spec: RFC 9728 §3, §3.1.
func MetadataURL(resource string) string {
	at, err := url.Parse(resource)
	if err != nil || at.Host == "" {
		return ""
	}
	found := at.Scheme + "://" + at.Host + wellKnown
	if path := at.EscapedPath(); path != "/" {
		found += path
	}
	if at.RawQuery != "" {
		found += "?" + at.RawQuery
	}
	return found
}

// Metadata returns the metadata of the resource.
func (s *Server) Metadata() Metadata {
	m := Metadata{
		Resource: s.config.Resource, AuthorizationServers: s.config.AuthorizationServers, ScopesSupported: s.config.Scopes,
		BearerMethodsSupported: []string{"header"}, Name: s.config.Name, Documentation: s.config.Documentation,
		CertificateBoundTokens: s.config.CertificateBoundTokens, DPoPAlgorithms: dpop.Algorithms(),
		DPoPRequired: s.config.RequireBinding && !s.config.CertificateBoundTokens,
	}
	if s.config.FormBody {
		m.BearerMethodsSupported = append(m.BearerMethodsSupported, "body")
	}
	return m
}

// MetadataHandler returns the handler of the metadata of the resource, for the path of
// [MetadataURL].
//
// Spec: RFC 9728 §3.2.
func (s *Server) MetadataHandler() (http.Handler, error) {
	body, err := json.Marshal(s.Metadata())
	if err != nil {
		return nil, fmt.Errorf("encode metadata: %w", err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", strings.Join([]string{http.MethodGet, http.MethodHead}, ", "))
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		header := w.Header()
		header.Set("Content-Type", "application/json")
		header.Set("Cache-Control", "public, max-age=300")
		header.Set("Access-Control-Allow-Origin", "*")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	}), nil
}
