package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ostiary/ostiary/internal/client"
)

// clientFlags describe a client on the command line. An omitted flag keeps the value, an empty
// value clears it. Members without a flag can be imported.
type clientFlags struct {
	Name                  *string  `help:"Display name." placeholder:"TEXT"`
	RedirectURI           []string `help:"A redirect URI; may be repeated." sep:"none" placeholder:"URI"`
	PostLogoutRedirectURI []string `help:"A redirect URI after sign-out; may be repeated." sep:"none" placeholder:"URI"`
	GrantType             []string `help:"authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:device_code, urn:ietf:params:oauth:grant-type:jwt-bearer, urn:ietf:params:oauth:grant-type:token-exchange or, if legacy_response_types is on, implicit; may be repeated." placeholder:"TYPE"`
	ResponseType          []string `help:"code or, if legacy_response_types is on, another; may be repeated." sep:"none" placeholder:"TYPE"`
	Scope                 *string  `help:"Scopes that the client may request, separated by spaces." placeholder:"SCOPES"`
	AuthMethod            *string  `help:"client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, none or, if mtls_listen is set, tls_client_auth or self_signed_tls_client_auth." placeholder:"METHOD"`
	Native                *bool    `help:"The client is a native application (RFC 8252)." negatable:""`
	JWKSURI               *string  `help:"URL of its public keys." name:"jwks-uri" placeholder:"URL"`
	SubjectType           *string  `help:"public, or pairwise for subjects that differ from those of other sectors." placeholder:"TYPE"`
	SectorIdentifierURI   *string  `help:"URL of the list of its redirect URIs; its host is the sector of a pairwise client." name:"sector-identifier-uri" placeholder:"URL"`
	SubjectSector         *string  `help:"host confirms the host as sector of a self-registered pairwise client with the device grant; client makes the client a separate sector." placeholder:"SECTOR"`
	ServedResource        []string `help:"A resource that the client serves: it may introspect tokens for it; may be repeated." sep:"none" placeholder:"URI"`
	DetailsType           []string `help:"A type of authorization details that the client may request (RFC 9396); an empty name removes the list; may be repeated." name:"authorization-details-type" sep:"none" placeholder:"TYPE"`
	AllowedGroup          []string `help:"A group: only its members may use the client; an empty name removes the list; may be repeated." sep:"none" placeholder:"GROUP"`
	AllowHTTPRedirects    *bool    `help:"Allow http redirect URIs on any host, as in http://grafana.internal:3000/; only in a trusted network." name:"allow-http-redirects" negatable:""`
	SkipConsent           *bool    `help:"Skip the consent page." negatable:""`
	AccessTokenFormat     *string  `help:"jwt or opaque; overrides the default of the server." placeholder:"FORMAT"`
	IDTokenClaims         *string  `help:"granted, for ID tokens with the claims of granted scopes, or minimal; overrides the default of the server." name:"id-token-claims" placeholder:"CLAIMS"`
	Audience              []string `help:"A resource that the client may request tokens for (RFC 8707); may be repeated." sep:"none" placeholder:"URI"`
	SecurityProfile       *string  `help:"baseline, fapi2-security, fapi2-message-signing or fapi1-advanced: at least as strict as security_profile of the server." placeholder:"PROFILE"`
	TokenExchange         *string  `help:"The policy for token exchange, a JSON object as in the admin API; an empty value removes it." placeholder:"JSON"`
	certificateFlags
	responseFlags
	urlFlags
}

// certificateFlags describe the certificate of a client.
type certificateFlags struct {
	TLSClientAuthSubjectDN *string `help:"The subject of its certificate, as in CN=shop,O=Example, for tls_client_auth." name:"tls-client-auth-subject-dn" placeholder:"DN"`
	TLSClientAuthSANDNS    *string `help:"Instead, a DNS name of its certificate." name:"tls-client-auth-san-dns" placeholder:"NAME"`
	TLSClientAuthSANURI    *string `help:"Instead, a URI of its certificate." name:"tls-client-auth-san-uri" placeholder:"URI"`
	TLSClientAuthSANIP     *string `help:"Instead, an IP address of its certificate." name:"tls-client-auth-san-ip" placeholder:"ADDRESS"`
	TLSClientAuthSANEmail  *string `help:"Instead, an email address of its certificate." name:"tls-client-auth-san-email" placeholder:"ADDRESS"`
	CertificateBoundTokens *bool   `help:"Bind its access tokens to its certificate." negatable:""`
}

// responseFlags select the signature and encryption algorithms of responses to a client.
type responseFlags struct {
	IDTokenSignedResponseAlg     *string `help:"RS256, PS256, ES256 or EdDSA." name:"id-token-signed-response-alg" placeholder:"ALG"`
	IDTokenEncryptedResponseAlg  *string `help:"Encrypt ID tokens with RSA-OAEP, RSA-OAEP-256, ECDH-ES, ECDH-ES+A128KW or ECDH-ES+A256KW." name:"id-token-encrypted-response-alg" placeholder:"ALG"`
	IDTokenEncryptedResponseEnc  *string `help:"A128CBC-HS256, A256CBC-HS512, A128GCM or A256GCM." name:"id-token-encrypted-response-enc" placeholder:"ENC"`
	UserinfoSignedResponseAlg    *string `help:"Sign userinfo responses; the same values as for ID tokens." placeholder:"ALG"`
	UserinfoEncryptedResponseAlg *string `help:"Encrypt userinfo responses; the same values as for ID tokens." placeholder:"ALG"`
	UserinfoEncryptedResponseEnc *string `help:"The same values as for ID tokens." placeholder:"ENC"`
}

// urlFlags are the URLs of a client's pages and endpoints.
type urlFlags struct {
	ClientURI             *string `help:"URL of its home page." name:"client-uri" placeholder:"URL"`
	LogoURI               *string `help:"URL of its logo, which users see." name:"logo-uri" placeholder:"URL"`
	PolicyURI             *string `help:"URL of its privacy policy." name:"policy-uri" placeholder:"URL"`
	TermsURI              *string `help:"URL of its terms of service." name:"tos-uri" placeholder:"URL"`
	InitiateLoginURI      *string `help:"URL that starts a sign-in at the client." name:"initiate-login-uri" placeholder:"URL"`
	FrontchannelLogoutURI *string `help:"URL that the browser loads when the user signs out." name:"frontchannel-logout-uri" placeholder:"URL"`
	BackchannelLogoutURI  *string `help:"URL that receives logout tokens." name:"backchannel-logout-uri" placeholder:"URL"`
}

// apply applies the flags to m, completes it, and returns every validation error.
func (f *clientFlags) apply(m *client.Metadata, p client.Policy) error {
	lists := []struct {
		given []string
		into  *[]string
	}{
		{f.RedirectURI, &m.RedirectURIs},
		{f.PostLogoutRedirectURI, &m.PostLogoutRedirectURIs},
		{f.GrantType, &m.GrantTypes},
		{f.ResponseType, &m.ResponseTypes},
		{f.Audience, &m.Audience},
		{f.ServedResource, &m.ServedResources},
		{f.DetailsType, &m.AuthorizationDetailsTypes},
		{f.AllowedGroup, &m.AllowedGroups},
	}
	// The response types follow from the grant types unless they are given.
	if f.GrantType != nil && f.ResponseType == nil {
		m.ResponseTypes = nil
	}
	for _, l := range lists {
		if l.given != nil {
			*l.into = nonempty(l.given)
		}
	}
	for _, t := range f.textFlags(m) {
		if t.given != nil {
			*t.into = *t.given
		}
	}
	// Clearing the algorithm clears both members of a pair.
	if f.IDTokenEncryptedResponseEnc == nil && m.IDTokenEncryptedResponseAlg == "" {
		m.IDTokenEncryptedResponseEnc = ""
	}
	if f.UserinfoEncryptedResponseEnc == nil && m.UserinfoEncryptedResponseAlg == "" {
		m.UserinfoEncryptedResponseEnc = ""
	}
	if f.Native != nil {
		m.ApplicationType = map[bool]string{true: "native", false: "web"}[*f.Native]
	}
	if f.AllowHTTPRedirects != nil {
		m.AllowHTTPRedirects = *f.AllowHTTPRedirects
	}
	if f.SkipConsent != nil {
		m.SkipConsent = *f.SkipConsent
	}
	if f.CertificateBoundTokens != nil {
		m.CertificateBoundAccessTokens = *f.CertificateBoundTokens
	}

	var faults []error
	if f.TokenExchange != nil {
		if err := m.SetTokenExchange(*f.TokenExchange); err != nil {
			faults = append(faults, err)
		}
	}
	for _, fault := range m.Validate(p) {
		faults = append(faults, errors.New(fault.String()))
	}
	return errors.Join(faults...)
}

// textFlag is a flag with the member that it sets.
type textFlag struct{ given, into *string }

func (f *clientFlags) textFlags(m *client.Metadata) []textFlag {
	return []textFlag{
		{f.Name, &m.ClientName},
		{f.Scope, &m.Scope},
		{f.AuthMethod, &m.TokenEndpointAuthMethod},
		{f.JWKSURI, &m.JWKSURI},
		{f.TLSClientAuthSubjectDN, &m.TLSClientAuthSubjectDN},
		{f.TLSClientAuthSANDNS, &m.TLSClientAuthSANDNS},
		{f.TLSClientAuthSANURI, &m.TLSClientAuthSANURI},
		{f.TLSClientAuthSANIP, &m.TLSClientAuthSANIP},
		{f.TLSClientAuthSANEmail, &m.TLSClientAuthSANEmail},
		{f.SubjectType, &m.SubjectType},
		{f.SectorIdentifierURI, &m.SectorIdentifierURI},
		{f.SubjectSector, &m.SubjectSector},
		{f.SecurityProfile, (*string)(&m.SecurityProfile)},
		{f.AccessTokenFormat, &m.AccessTokenStrategy},
		{f.IDTokenClaims, &m.IDTokenClaims},
		{f.IDTokenSignedResponseAlg, &m.IDTokenSignedResponseAlg},
		{f.IDTokenEncryptedResponseAlg, &m.IDTokenEncryptedResponseAlg},
		{f.IDTokenEncryptedResponseEnc, &m.IDTokenEncryptedResponseEnc},
		{f.UserinfoSignedResponseAlg, &m.UserinfoSignedResponseAlg},
		{f.UserinfoEncryptedResponseAlg, &m.UserinfoEncryptedResponseAlg},
		{f.UserinfoEncryptedResponseEnc, &m.UserinfoEncryptedResponseEnc},
		{f.ClientURI, &m.ClientURI},
		{f.LogoURI, &m.LogoURI},
		{f.PolicyURI, &m.PolicyURI},
		{f.TermsURI, &m.TermsURI},
		{f.InitiateLoginURI, &m.InitiateLoginURI},
		{f.FrontchannelLogoutURI, &m.FrontchannelLogoutURI},
		{f.BackchannelLogoutURI, &m.BackchannelLogoutURI},
	}
}

func nonempty(list []string) []string {
	var kept []string
	for _, item := range list {
		if item = strings.TrimSpace(item); item != "" {
			kept = append(kept, item)
		}
	}
	return kept
}

// secretFlags provide an existing client secret.
type secretFlags struct {
	Secret     string `help:"The client_secret; random by default; visible to other users of this machine." xor:"secret" placeholder:"SECRET"`
	SecretFile string `help:"Read the client_secret from this file; - is standard input." xor:"secret" placeholder:"FILE"`
}

// read returns the secret of the flags, or "". It returns an error if the client has no
// secret, but one is given or, if renew is true, requested.
func (f *secretFlags) read(d *database, c *client.Client, renew bool) (string, error) {
	secret := f.Secret
	if f.SecretFile != "" {
		text, err := d.readInput(f.SecretFile)
		if err != nil {
			return "", err
		}
		if secret = trimLineEnd(text); secret == "" {
			return "", fmt.Errorf("%s is empty", f.SecretFile)
		}
	}
	if (secret != "" || renew) && !c.UsesSecret() {
		return "", fmt.Errorf("a client that authenticates with %s has no secret", c.TokenEndpointAuthMethod)
	}
	return secret, nil
}

// trimLineEnd returns a text without the line end that editors add.
func trimLineEnd(text []byte) string { return strings.TrimRight(string(text), "\r\n") }
