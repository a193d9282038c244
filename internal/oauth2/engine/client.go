package engine

import (
	"github.com/ory/fosite"

	"github.com/ostiary/ostiary/internal/client"
)

// engineClient is a client as fosite sees it. It does not implement
// [fosite.OpenIDConnectClient]: request objects and assertions never reach fosite.
type engineClient struct {
	*client.Client
	scopes      []string // that the client may have
	redirectURI string   // of the authorization request, which has been checked
}

var (
	_ fosite.Client             = (*engineClient)(nil)
	_ fosite.ResponseModeClient = (*engineClient)(nil)
)

func (c *engineClient) GetID() string                      { return c.ID }
func (c *engineClient) GetHashedSecret() []byte            { return nil }
func (c *engineClient) GetRedirectURIs() []string          { return []string{c.redirectURI} }
func (c *engineClient) GetGrantTypes() fosite.Arguments    { return c.GrantTypes }
func (c *engineClient) GetResponseTypes() fosite.Arguments { return c.ResponseTypes }
func (c *engineClient) GetScopes() fosite.Arguments        { return c.scopes }
func (c *engineClient) IsPublic() bool                     { return c.Client.IsPublic() }
func (c *engineClient) GetAudience() fosite.Arguments      { return c.Audience }

func (c *engineClient) GetResponseModes() []fosite.ResponseModeType {
	return []fosite.ResponseModeType{
		fosite.ResponseModeDefault, fosite.ResponseModeQuery, fosite.ResponseModeFragment, fosite.ResponseModeFormPost,
	}
}
