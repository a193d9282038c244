package token_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func TestIDTokenCarriesClaimsOfGrantedScopes(t *testing.T) {
	t.Parallel()
	full := servertest.Object{"name": "Ada Lovelace", "email": "ada@example.com", "email_verified": true, "groups": []any{"staff", "math"}, "department": nil}
	minimal := servertest.Object{"name": nil, "email": nil, "email_verified": nil, "groups": nil}
	for name, tc := range map[string]struct {
		setting, member string
		want            servertest.Object
	}{
		"by default":                       {"", "", full},
		"of a client that wants them":      {"minimal", "granted", full},
		"unless the server is set minimal": {"minimal", "", minimal},
		"unless the client is":             {"granted", "minimal", minimal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.Store) {
				t.Helper()
				settings := map[string]string{}
				if tc.setting != "" {
					settings["id_token_claims"] = tc.setting
				}
				s := servertest.StartWithDeviceClients(t, db, settings)
				importUser(s)
				const scopes = "openid profile email groups offline_access"
				for _, id := range []string{"web", "tv"} {
					c, err := db.Clients.Client(t.Context(), id)
					if err != nil {
						t.Fatal(err)
					}
					c.Scope, c.IDTokenClaims = scopes, tc.member
					if err := db.Clients.UpdateClient(t.Context(), c); err != nil {
						t.Fatal(err)
					}
				}
				s.Advance(servertest.ClientStaleness)

				b := s.NewBrowser()
				tokens := s.ExchangeCode(b.Code(servertest.AuthorizationRequest("scope", scopes, "claims", `{"userinfo":{"department":null}}`)))
				servertest.WantMembers(t, servertest.Claims(t, tokens["id_token"]), tc.want)
				tokens = s.Refresh(tokens["refresh_token"]).JSON(t)
				servertest.WantMembers(t, servertest.Claims(t, tokens["id_token"]), tc.want)
				servertest.WantMembers(t, s.Userinfo(tokens["access_token"]).JSON(t), full)
				narrower := s.Refresh(tokens["refresh_token"], "scope", "openid email").JSON(t)
				servertest.WantMembers(t, servertest.Claims(t, narrower["id_token"]), servertest.Object{"name": nil, "groups": nil, "email": tc.want["email"]})

				d := servertest.AuthorizeDevice(s, servertest.DeviceClientForm("scope", scopes))
				b.Follow(b.EnterUserCode(d, "continue"))
				servertest.WantMembers(t, servertest.Claims(t, d.Poll().JSON(t)["id_token"]), tc.want)
			})
		})
	}
}

// ID tokens of the authorization endpoint have no claims of scopes, with each setting.
func TestFrontChannelIDTokenIsMinimal(t *testing.T) {
	t.Parallel()
	settings := servertest.LegacySettings()
	settings["id_token_claims"] = "granted"
	s := servertest.Start(t, storetest.New(t), settings)
	s.ImportClient(servertest.LegacyClient("legacy", `, "id_token_signed_response_alg": "ES256", "id_token_claims": "granted"`))
	b := s.NewBrowser()
	b.Code(servertest.AuthorizationRequest()) // signs in
	for kind, want := range map[string]any{"id_token": "Ada Lovelace", "code id_token": nil, "id_token token": nil, "code id_token token": nil} {
		_, got := servertest.AuthorizationResponse(t, b.Authorize(servertest.AuthorizationRequest("client_id", "legacy", "scope", "openid profile", "response_type", kind)))
		if name := servertest.Claims(t, got.Get("id_token"))["name"]; name != want {
			t.Errorf("%s: the ID token says the name %v, want %v", kind, name, want)
		}
		if code := got.Get("code"); code != "" {
			tokens := s.PostForm("/oauth2/token", servertest.AsPost("legacy", servertest.CodeExchange(code))).JSON(t)
			servertest.WantMembers(t, servertest.Claims(t, tokens["id_token"]), servertest.Object{"name": "Ada Lovelace"})
		}
	}
}

// lines keeps the lines of a log.
type lines struct {
	mu  sync.Mutex
	all []string
}

// Write keeps a line.
func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, string(line))
	return len(line), nil
}

func (l *lines) with(text string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.all {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// A user in very many groups gets an ID token that fits into a cookie; userinfo has the
// rest.
func TestLongClaimsAreOnlyInUserinfo(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		groups, length int
		left           bool
	}{
		"200 groups":      {200, 10, false},
		"201 groups":      {201, 10, true},
		"groups of 7 KiB": {100, 70, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := &lines{}
			s := servertest.StartWithLog(t, storetest.New(t), nil, slog.NewTextHandler(log, nil))
			groups := make([]string, tc.groups)
			for i := range groups {
				groups[i] = fmt.Sprintf("%0*d", tc.length, i)
			}
			users, err := json.Marshal([]servertest.Object{{"username": "ada", "claims": servertest.Object{"name": "Ada Lovelace", "groups": groups}}})
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := s.ImportUsers(users); err != nil {
				t.Fatal(err)
			}
			servertest.SetClientScope(s, "web", "openid profile groups")
			tokens := s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest("scope", "openid profile groups")))
			response := servertest.Claims(t, tokens["id_token"])
			got, _ := response["groups"].([]any)
			if (len(got) == 0) != tc.left || response["name"] != "Ada Lovelace" {
				t.Errorf("the ID token has %d groups and the name %v", len(got), response["name"])
			}
			if got, _ := s.Userinfo(tokens["access_token"]).JSON(t)["groups"].([]any); len(got) != tc.groups {
				t.Errorf("userinfo has %d groups, want all %d", len(got), tc.groups)
			}
			warned := log.with("claims left out of a token")
			if (len(warned) == 1) != tc.left || len(warned) > 1 || tc.left && !strings.Contains(warned[0], "level=WARN") {
				t.Errorf("the log says %v", warned)
			}
		})
	}
}
