package engine_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/engine"
	"github.com/ostiary/ostiary/internal/oauth2/token"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// refusing is an engine that refuses every flow.
type refusing struct{}

func errRefused() error { return oauth2.NewError(oauth2.CodeAccessDenied, "refused by the test") }

func (refusing) Authorize(context.Context, *engine.Authorization) (*engine.AuthorizationResponse, error) {
	return nil, errRefused()
}

func (refusing) RedeemCode(context.Context, engine.TokenRequest, engine.Code) (*engine.Run, error) {
	return nil, errRefused()
}

func (refusing) ClientCredentials(context.Context, engine.TokenRequest, []string) (*engine.Run, error) {
	return nil, errRefused()
}

// The authorization endpoint, the code exchange with PKCE, client credentials, and the implicit
// and hybrid flows get their codes and tokens from the engine: they all fail with an engine that
// refuses. The other grant types do not use it.
func TestEachFlowOfFositeRunsThroughTheEngine(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), servertest.LegacySettings())
	s.ImportClient(servertest.LegacyClient("legacy", ""))
	b := s.NewBrowser()
	authorize := func(changes ...string) string {
		_, got := servertest.AuthorizationResponse(t, b.Authorize(servertest.AuthorizationRequest(changes...)))
		return got.Get("error")
	}
	exchange := func(code string) string {
		return servertest.Text(s.PostForm("/oauth2/token", servertest.CodeExchange(code)).JSON(t)["error"])
	}
	flows := map[string]func(code string) string{
		"authorize":          func(string) string { return authorize() },
		"implicit":           func(string) string { return authorize("client_id", "legacy", "response_type", "id_token token") },
		"hybrid":             func(string) string { return authorize("client_id", "legacy", "response_type", "code id_token token") },
		"authorization code": exchange,
		"client credentials": func(string) string {
			form := servertest.Form("grant_type", "client_credentials", "client_id", "post", "client_secret", servertest.PostSecret)
			return servertest.Text(s.PostForm("/oauth2/token", form).JSON(t)["error"])
		},
	}
	codes := map[string]string{}
	for name := range flows {
		codes[name] = b.Code(servertest.AuthorizationRequest())
	}
	refresh := s.ExchangeCode(b.Code(servertest.AuthorizationRequest()))["refresh_token"]

	for name, run := range flows {
		if got := run(b.Code(servertest.AuthorizationRequest())); got != "" {
			t.Errorf("%s with the engine: error %q", name, got)
		}
	}

	s.App.OAuth2.Authorize.Engine = refusing{}
	config := s.App.OAuth2.Token.Config
	config.Engine = refusing{}
	*s.App.OAuth2.Token = *token.New(config)
	for name, run := range flows {
		if got := run(codes[name]); got != oauth2.CodeAccessDenied {
			t.Errorf("%s with an engine that refuses: error %q, want %s", name, got, oauth2.CodeAccessDenied)
		}
	}
	if p := s.Refresh(refresh); p.Status != http.StatusOK {
		t.Errorf("refresh with an engine that refuses: %d %s, want tokens", p.Status, p.Body)
	}
}
