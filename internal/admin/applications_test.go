package admin_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// list decodes a response that is a list of objects.
func list(t *testing.T, p servertest.Response) (objects []servertest.Object) {
	t.Helper()
	if err := json.Unmarshal([]byte(p.Body), &objects); err != nil || p.Status != http.StatusOK {
		t.Fatalf("%d %s: %v", p.Status, p.Body, err)
	}
	return objects
}

// record writes what the server keeps in memory for a while.
func record(t *testing.T, s *servertest.Server) {
	t.Helper()
	s.App.Usage.Flush(t.Context())
	s.App.Refusals.Flush(t.Context(), time.Minute)
}

func TestClientSecrets(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartWithApps(t, db, nil)
		made := s.CreateClient(`{"client_id": "job", "grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_post"}`)
		first, created := servertest.Text(made["client_secret"]), s.Time()
		s.Advance(time.Hour)
		second := servertest.Text(s.CallAdmin(http.MethodPost, "/clients/job/secrets", "").JSON(t)["client_secret"])
		if p := credentials(s.Server, "job", first); p.Status != http.StatusOK {
			t.Errorf("the first secret beside the second: %d %s", p.Status, p.Body)
		}
		record(t, s.Server)
		secrets := list(t, s.CallAdmin(http.MethodGet, "/clients/job/secrets", ""))
		if len(secrets) != 2 || secrets[0]["current"] != true || secrets[0]["last_used_at"] != nil || secrets[1]["last_used_at"] == nil ||
			secrets[1]["created_at"] != created.UTC().Format(time.RFC3339Nano) || secrets[1]["expires_at"] != nil {
			t.Fatalf("the secrets are %v, want the second one, unused, and the first one", secrets)
		}

		s.Advance(30 * 24 * time.Hour)
		if p := credentials(s.Server, "job", first); p.Status != http.StatusOK {
			t.Errorf("the first secret after a month: %d %s", p.Status, p.Body)
		}
		one := "/clients/job/secrets/" + servertest.Text(secrets[1]["secret_id"])
		if p := s.CallAdmin(http.MethodDelete, one, ""); p.Status != http.StatusNoContent {
			t.Errorf("remove: %d %s", p.Status, p.Body)
		}
		if p := credentials(s.Server, "job", first); p.Status != http.StatusUnauthorized {
			t.Errorf("the removed secret: %d %s", p.Status, p.Body)
		}
		if p := credentials(s.Server, "job", second); p.Status != http.StatusOK {
			t.Errorf("the second secret: %d %s", p.Status, p.Body)
		}
		servertest.WantError(t, s.CallAdmin(http.MethodDelete, one, ""), http.StatusNotFound, "Not Found")
		last := list(t, s.CallAdmin(http.MethodGet, "/clients/job/secrets", ""))[0]
		servertest.WantError(t, s.CallAdmin(http.MethodDelete, "/clients/job/secrets/"+servertest.Text(last["secret_id"]), ""), http.StatusConflict, "Conflict")
		for range client.MaxSecrets - 1 {
			s.CallAdmin(http.MethodPost, "/clients/job/secrets", "").JSON(t)
		}
		servertest.WantError(t, s.CallAdmin(http.MethodPost, "/clients/job/secrets", ""), http.StatusConflict, "Conflict")
		s.CreateClient(`{"client_id": "page", "redirect_uris": ["https://page.example/cb"], "token_endpoint_auth_method": "none"}`)
		servertest.WantError(t, s.CallAdmin(http.MethodPost, "/clients/page/secrets", ""), http.StatusBadRequest, "invalid_client_metadata")
	})
}

func TestApplications(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartWithApps(t, db, nil)
		made := s.CreateClient(`{"client_id": "job", "client_name": "Nightly job", "grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_post"}`)
		s.CreateClient(`{"client_id": "wiki", "client_name": "nights", "redirect_uris": ["https://wiki.example/cb"]}`)
		if p := credentials(s.Server, "job", servertest.Text(made["client_secret"])); p.Status != http.StatusOK {
			t.Fatalf("credentials: %d %s", p.Status, p.Body)
		}
		for range 2 {
			if p := credentials(s.Server, "job", "wrong-wrong-wrong-wrong-wrong-wrong"); p.Status != http.StatusUnauthorized {
				t.Fatalf("a wrong secret: %d %s", p.Status, p.Body)
			}
		}
		record(t, s.Server)

		found := list(t, s.CallAdmin(http.MethodGet, "/applications?search=NIGHT&page_size=1", ""))
		if len(found) != 1 || found[0]["client_id"] != "job" || found[0]["last_used_at"] == nil || found[0]["refused"] != 2.0 || found[0]["last_refused"] == nil {
			t.Fatalf("the first page is %v", found)
		}
		position := servertest.Text(found[0]["position"])
		found = list(t, s.CallAdmin(http.MethodGet, "/applications?search=NIGHT&page_size=1&page_token="+position, ""))
		if len(found) != 1 || found[0]["client_id"] != "wiki" || found[0]["last_used_at"] != nil || found[0]["refused"] != 0.0 {
			t.Fatalf("the second page is %v", found)
		}
		position = servertest.Text(found[0]["position"])
		back := list(t, s.CallAdmin(http.MethodGet, "/applications?search=NIGHT&page_size=1&order=desc&page_token="+position, ""))
		if len(back) != 1 || back[0]["client_id"] != "job" {
			t.Errorf("before the second page: %v", back)
		}
		for only, want := range map[string]string{"failing": "[job]", "never_used": "[wiki]", "registered": "[]"} {
			ids := []any{}
			for _, one := range list(t, s.CallAdmin(http.MethodGet, "/applications?search=night&only="+only, "")) {
				ids = append(ids, one["client_id"])
			}
			if got := fmt.Sprint(ids); got != want {
				t.Errorf("only %s: %s, want %s", only, got, want)
			}
		}
		for _, query := range []string{"only=none", "order=up", "page_token=x"} {
			servertest.WantError(t, s.CallAdmin(http.MethodGet, "/applications?"+query, ""), http.StatusBadRequest, "invalid_request")
		}

		used := s.CallAdmin(http.MethodGet, "/clients/job/usage", "").JSON(t)
		refused, _ := used["refused"].([]any)
		if used["last_used_at"] == nil || len(refused) != 1 || fmt.Sprint(refused[0].(servertest.Object)["count"]) != "2" {
			t.Errorf("the usage is %v", used)
		}
		servertest.WantError(t, s.CallAdmin(http.MethodGet, "/clients/none/usage", ""), http.StatusNotFound, "Not Found")
	})
}
