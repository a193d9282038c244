package authorize_test

import (
	"net/http"
	"testing"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// setGroups puts ada into groups.
func setGroups(s *servertest.Server, groups ...string) {
	s.TB.Helper()
	_, err := s.Store.Accounts.ChangeAccount(s.TB.Context(), servertest.SubjectOf(s.TB.(*testing.T), s, "ada"), s.Time(), func(a *account.Account) error {
		a.Groups = groups
		return nil
	})
	if err != nil {
		s.TB.Fatal(err)
	}
}

// Only members of the allowed groups may use a client, at authorization and at each refresh.
func TestAllowedGroups(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := servertest.Start(t, db, nil)
		s.Populate()
		for _, name := range []string{"staff", "guests"} {
			servertest.Must(t, db.Groups.InsertGroup(t.Context(), &account.Group{Name: name, CreatedAt: s.Time(), UpdatedAt: s.Time()}))
		}
		c, err := db.Clients.Client(t.Context(), "web")
		servertest.Must(t, err)
		c.AllowedGroups = []string{"staff", "no such group"}
		servertest.Must(t, db.Clients.UpdateClient(t.Context(), c))

		setGroups(s, "staff", "guests")
		b := s.NewBrowser()
		tokens := s.ExchangeCode(b.Code(servertest.AuthorizationRequest()))
		refreshed := s.Refresh(tokens["refresh_token"])
		if refreshed.Status != http.StatusOK {
			t.Fatalf("refresh of a member: %d %s", refreshed.Status, refreshed.Body)
		}
		current := refreshed.JSON(t)["refresh_token"]

		setGroups(s, "guests")
		for name, token := range map[string]any{"current": current, "previous": tokens["refresh_token"]} {
			p := s.Refresh(token)
			if p.Status != http.StatusBadRequest || p.JSON(t)["error"] != "invalid_grant" {
				t.Errorf("refresh of a former member with the %s token: %d %s, want invalid_grant", name, p.Status, p.Body)
			}
		}
		p := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode())
		if p.Status != http.StatusForbidden {
			t.Errorf("authorization of a former member: %d, want 403", p.Status)
		}
		servertest.Contains(t, p.Body, "access_denied", "You may not use this application")
		_, got := servertest.AuthorizationResponse(t, b.Get("/oauth2/auth?"+servertest.AuthorizationRequest("prompt", "none").Encode()))
		if got.Get("error") != "access_denied" || got.Get("state") != "a state" {
			t.Errorf("prompt=none of a former member = %v, want access_denied", got)
		}

		setGroups(s, "staff")
		if p := s.Refresh(current); p.Status != http.StatusOK {
			t.Errorf("refresh after the return to the group: %d %s", p.Status, p.Body)
		}
	})
}

// The scopes groups and roles release what the account has.
func TestGroupsAndRolesAreReleased(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := servertest.Start(t, db, nil)
		s.Populate()
		servertest.Must(t, db.Groups.InsertGroup(t.Context(), &account.Group{Name: "Domain Admins", CreatedAt: s.Time(), UpdatedAt: s.Time()}))
		setGroups(s, "Domain Admins")
		_, err := db.Accounts.ChangeAccount(t.Context(), servertest.SubjectOf(t, s, "ada"), s.Time(), func(a *account.Account) error {
			a.Roles, a.AdminRole = []string{"editor"}, account.Owner
			return nil
		})
		servertest.Must(t, err)
		servertest.SetClientScope(s, "web", "openid groups roles offline_access")
		tokens := s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest("scope", "openid groups roles")))
		claims := s.Userinfo(tokens["access_token"]).JSON(t)
		servertest.WantMembers(t, claims, servertest.Object{"groups": []any{"Domain Admins"}, "roles": []any{"editor"}, "admin_role": nil, "administrator": nil})
		servertest.SetClientScope(s, "web", "openid offline_access")
		servertest.WantMembers(t, s.Userinfo(tokens["access_token"]).JSON(t), servertest.Object{"groups": nil, "roles": nil})
	})
}
