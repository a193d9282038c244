package server

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	adminconsole "github.com/ostiary/ostiary/internal/console/admin"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/token"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/scope"
)

// consoleTrials runs trials for the administrators' console.
type consoleTrials struct{ server *Server }

var _ adminconsole.Trials = consoleTrials{}

// Begin implements [adminconsole.Trials].
func (s consoleTrials) Begin(ctx context.Context, t *authrequest.Trial) (string, error) {
	c, err := s.server.Clients.Client(ctx, t.ClientID)
	if errors.Is(err, client.ErrNotFound) || err == nil && (c.Disabled || !c.AllowsGrantType(client.GrantAuthorizationCode)) {
		return "", adminconsole.ErrCannotTry
	}
	if err != nil {
		return "", fmt.Errorf("read client: %w", err)
	}
	parameters, err := s.server.OAuth2.Authorize.Requests.BeginTrial(ctx, t, s.server.Now())
	return s.server.Config.URL(pathAuthorize) + "?" + parameters.Encode(), err
}

// Revoke implements [adminconsole.Trials]. It is not cancelled with the request.
func (s consoleTrials) Revoke(ctx context.Context, t *authrequest.Trial) error {
	return s.server.Store.Grants.RevokeGrant(context.WithoutCancel(ctx), t.Grant, t.ClientID, grant.RevokedAfterTrial, s.server.Now())
}

// errOtherTrial reports a code that is not that of the trial.
var errOtherTrial = errors.New("the code is of another trial")

// Redeem implements [adminconsole.Trials].
func (s consoleTrials) Redeem(ctx context.Context, t *authrequest.Trial, code, verifier string) (result *adminconsole.TrialResult, err error) {
	defer func() { err = errors.Join(err, s.Revoke(ctx, t)) }()
	c, err := s.server.Clients.Client(ctx, t.ClientID)
	if err != nil {
		return nil, fmt.Errorf("read client: %w", err)
	}
	result = &adminconsole.TrialResult{}
	tried, err := s.server.OAuth2.Token.Try(ctx, token.Trial{Client: c, Code: code, Verifier: verifier, RedirectURI: t.RedirectURI})
	if err != nil {
		result.TokenError = noteTrial(ctx, c, oauth2.ErrorOf(err))
		return result, nil
	}
	if tried.Grant.Locator != t.Grant || tried.Grant.Subject != t.Subject {
		return nil, errOtherTrial
	}
	source := claimSources{tried}
	if result.Token, err = source.token(c); err != nil {
		return nil, err
	}
	if slices.Contains(tried.Access.Scopes, oauth2.ScopeOpenID) {
		claims, mediaType, err := s.server.userinfo.Try(ctx, tried.AccessToken)
		if response, ok := errors.AsType[*httpapi.Error](err); ok {
			result.UserinfoError = noteTrial(ctx, c, response)
		} else {
			result.Userinfo = &adminconsole.TrialUserinfo{MediaType: mediaType, Claims: source.list(claims, scope.Userinfo)}
		}
	}
	result.Scopes, result.NotRequested = source.scopes(strings.Fields(t.Scope), result)
	return result, nil
}

// noteTrial writes the error response of a trial to the log, and returns it. The record would be
// that of a page of the console.
func noteTrial(ctx context.Context, c *client.Client, response *httpapi.Error) *httpapi.Error {
	refusal.Note(ctx, refusal.Rejection{
		Message: "trial refused", Status: response.Status, Code: response.Code, Rule: response.Rule, Text: response.Description, Err: response,
		ClientID: c.ID, Unrecorded: true,
	})
	return response
}

// claimSources says which scopes released the claims of a trial.
type claimSources struct{ *token.TrialResult }

// token returns the token response without its tokens, and the claims of the ID token.
func (s claimSources) token(c *client.Client) (*adminconsole.TrialToken, error) {
	t := &adminconsole.TrialToken{
		ACR: s.Grant.Authorization.ACR, AMR: s.Grant.Authorization.AMR,
		TokenType: s.TokenType, ExpiresIn: s.ExpiresIn, Scope: s.Scope, HasRefreshToken: s.RefreshToken != "",
	}
	if s.Signed == "" {
		return t, nil
	}
	header, claims, err := decodeSigned(s.Signed)
	if err != nil {
		return nil, err
	}
	t.IDToken, t.SignedBy = s.list(claims, scope.IDToken), fmt.Sprint(header["alg"])
	if c.IDTokenEncryptedResponseAlg != "" {
		t.EncryptedBy = strings.TrimSpace(c.IDTokenEncryptedResponseAlg + " " + c.IDTokenEncryptedResponseEnc)
	}
	return t, nil
}

// decodeSigned returns the header and the claims of a token that this server has just signed.
func decodeSigned(compact string) (header, claims map[string]any, err error) {
	parts := strings.Split(compact, ".")
	for i, into := range []*map[string]any{&header, &claims} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[min(i, len(parts)-1)])
		if err != nil {
			return nil, nil, fmt.Errorf("decode ID token: %w", err)
		}
		if *into, err = scope.DecodeClaims(raw); err != nil {
			return nil, nil, fmt.Errorf("decode ID token: %w", err)
		}
	}
	return header, claims, nil
}

// list returns claims with the scopes that release them in a place, those of the protocol first.
func (s claimSources) list(claims map[string]any, place scope.Destination) []pages.TrialClaim {
	names := slices.Sorted(maps.Keys(claims))
	slices.SortStableFunc(names, func(a, b string) int {
		return protocolFirst(a) - protocolFirst(b)
	})
	list := make([]pages.TrialClaim, len(names))
	for i, name := range names {
		value, err := json.Marshal(claims[name])
		if err != nil {
			value = []byte("?")
		}
		list[i] = pages.TrialClaim{Name: name, Value: string(value)}
		switch {
		case grant.ContainsClaim(grant.ProtocolClaims(), name):
			list[i].Protocol = true
		case s.isExtra(name):
			list[i].Added = true
		default:
			list[i].Scopes = s.releasedBy(name, place)
		}
	}
	return list
}

func protocolFirst(claim string) int {
	if grant.ContainsClaim(grant.ProtocolClaims(), claim) {
		return 0
	}
	return 1
}

// releasedBy returns the granted scopes that release a claim in the place.
func (s claimSources) releasedBy(claim string, place scope.Destination) []string {
	base, _, _ := strings.Cut(claim, "#")
	return slices.DeleteFunc(slices.Clone(s.Access.Scopes), func(name string) bool {
		record := s.Registered.Get(name)
		return record == nil || !slices.Contains(record.Claims[claim], place) && !slices.Contains(record.Claims[base], place)
	})
}

// isExtra reports whether an app or a token hook has added the claim.
func (s claimSources) isExtra(claim string) bool {
	extra, err := scope.DecodeClaims(s.Grant.Authorization.ExtraClaims.IDToken)
	_, ok := extra[claim]
	return err == nil && ok
}

// scopes returns what each requested scope gave, and the scopes of this server that the client does
// not request.
func (s claimSources) scopes(requested []string, r *adminconsole.TrialResult) (list []pages.TrialScope, others []string) {
	all := slices.Clone(r.Token.IDToken)
	if r.Userinfo != nil {
		all = append(all, r.Userinfo.Claims...)
	}
	for _, name := range requested {
		one := pages.TrialScope{Name: name, Granted: slices.Contains(s.Access.Scopes, name)}
		if one.Granted && name == oauth2.ScopeOpenID {
			one.Claims = []string{"sub"}
		}
		for _, claim := range all {
			if slices.Contains(claim.Scopes, name) && !slices.Contains(one.Claims, claim.Name) {
				one.Claims = append(one.Claims, claim.Name)
			}
		}
		list = append(list, one)
	}
	return list, slices.DeleteFunc(s.Registered.Names(), func(name string) bool { return slices.Contains(requested, name) })
}
