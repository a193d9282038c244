package engine

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"github.com/ory/fosite"
	"github.com/ory/fosite/token/jwt"
)

// newSettings sets every option, also options that are never read: the getters of
// fosite.Config replace missing values at the first request, which is a data race.
func newSettings() *fosite.Config {
	const unused = time.Minute // the strategies decide lifetimes
	return &fosite.Config{
		AccessTokenLifespan: unused, RefreshTokenLifespan: unused, AuthorizeCodeLifespan: unused, IDTokenLifespan: unused,
		VerifiableCredentialsNonceLifespan: unused, DeviceAndUserCodeLifespan: unused, DeviceAuthTokenPollingInterval: unused,
		PushedAuthorizeContextLifespan: unused, GrantTypeJWTBearerMaxDuration: unused,

		ScopeStrategy:                   fosite.ExactScopeStrategy,
		AudienceMatchingStrategy:        fosite.ExactAudienceMatchingStrategy,
		EnforcePKCEForPublicClients:     true,
		RefreshTokenScopes:              []string{"offline_access", "offline"}, // see grant.IsOfflineScope
		MinParameterEntropy:             1,
		OmitRedirectScopeParam:          true,
		AllowedPromptValues:             []string{"none"}, // fosite never sees prompt
		JWTScopeClaimKey:                jwt.JWTScopeFieldString,
		RedirectSecureChecker:           func(context.Context, *url.URL) bool { return true }, // redirect URIs are checked before
		ClientAuthenticationStrategy:    authenticated,
		ClientSecretsHasher:             noHasher{},
		JWKSFetcherStrategy:             noFetcher{},
		HTTPClient:                      &retryablehttp.Client{HTTPClient: &http.Client{Transport: noTransport{}}},
		TokenEntropy:                    32,
		PushedAuthorizeRequestURIPrefix: "urn:ietf:params:oauth:request_uri:",
		HashCost:                        12,
	}
}

// errUnused reports that fosite called a method that no flow of this server needs.
var errUnused = errors.New("not offered to fosite")

type noHasher struct{}

func (noHasher) Compare(context.Context, []byte, []byte) error { return errUnused }
func (noHasher) Hash(context.Context, []byte) ([]byte, error)  { return nil, errUnused }

type noTransport struct{}

func (noTransport) RoundTrip(*http.Request) (*http.Response, error) { return nil, errUnused }
