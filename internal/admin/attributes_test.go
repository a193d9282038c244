package admin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
)

func TestAttributeLifecycle(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		create := func(body string) servertest.Response { return s.CallAdmin(http.MethodPost, "/attributes", body) }
		p := create(`{"name":"department","type":"string","scope":"hr","claim":"dept","required":true}`)
		want := servertest.Object{"name": "department", "type": "string", "scope": "hr", "claim": "dept", "required": true}
		if p.Status != http.StatusCreated || p.Header.Get("Location") != "/attributes/department" {
			t.Fatalf("%d %q %s", p.Status, p.Header.Get("Location"), p.Body)
		}
		servertest.WantMembers(t, p.JSON(t), want)
		servertest.WantMembers(t, s.CallAdmin(http.MethodGet, "/attributes/department", "").JSON(t), want)
		servertest.WantError(t, create(`{"name":"department","type":"string"}`), http.StatusConflict, "Conflict")
		if document := s.NewBrowser().Get("/.well-known/openid-configuration").Body; !strings.Contains(document, `"dept"`) {
			t.Errorf("discovery does not have the claim: %s", document)
		}
		for name, body := range map[string]string{
			"no name": `{"type":"string"}`, "no type": `{"name":"a"}`, "an unknown type": `{"name":"a","type":"date"}`, "a slash": `{"name":"a/b","type":"string"}`,
			"a long name": `{"name":"` + strings.Repeat("a", 65) + `","type":"string"}`, "a NUL": `{"name":"a\u0000","type":"string"}`,
			"a claim without a scope": `{"name":"a","type":"string","claim":"b"}`, "a standard claim": `{"name":"a","type":"string","scope":"hr","claim":"email"}`,
			"a claim of the protocol": `{"name":"a","type":"string","scope":"hr","claim":"acr"}`, "the claim of another": `{"name":"a","type":"string","scope":"other","claim":"dept"}`,
			"a list": `[]`,
		} {
			if p := create(body); p.Status != http.StatusBadRequest {
				t.Errorf("%s: %d %s", name, p.Status, p.Body)
			}
		}
		for _, body := range []string{`{"name":"floor","type":"number"}`, `{"name":"badges","type":"list","scope":"hr"}`, `{"name":"manager","type":"boolean"}`} {
			if p := create(body); p.Status != http.StatusCreated {
				t.Errorf("%s: %d %s", body, p.Status, p.Body)
			}
		}

		path := "/users/" + addUser(s, "zoe", nil).Subject
		patch := func(body string) servertest.Response {
			return s.CallAdmin(http.MethodPatch, path, `{"attributes":`+body+`}`)
		}
		for _, step := range []struct {
			patch string
			want  servertest.Object
		}{
			{`{"department":"R&D","floor":7.5,"badges":["a","b"],"manager":false}`, servertest.Object{"department": "R&D", "floor": 7.5, "badges": []any{"a", "b"}, "manager": false}},
			{`{"floor":null,"badges":[]}`, servertest.Object{"department": "R&D", "badges": []any{}, "manager": false}},
		} {
			if p := patch(step.patch); p.Status != http.StatusOK {
				t.Errorf("%s: %d %s", step.patch, p.Status, p.Body)
			} else {
				servertest.WantMembers(t, p.JSON(t), servertest.Object{"attributes": step.want})
			}
		}
		for name, body := range map[string]string{
			"an unknown attribute": `{"shoe_size":7}`, "no required attribute": `{"department":null}`, "none at all": `null`, "a number as text": `{"floor":"7"}`,
			"a list of numbers": `{"badges":[1]}`, "a list with null": `{"badges":[null]}`, "an object": `{"department":{"a":"b"}}`, "an empty text": `{"department":""}`,
			"a long text": `{"department":"` + strings.Repeat("a", 1001) + `"}`, "a long list": `{"badges":[` + strings.Repeat(`"a",`, 100) + `"a"]}`,
			"a control character": `{"department":"a\u0001"}`, "no object": `["department"]`,
		} {
			if p := patch(body); p.Status != http.StatusBadRequest {
				t.Errorf("%s: %d %s", name, p.Status, p.Body)
			}
		}

		s.Advance(time.Second)
		servertest.WantError(t, s.CallAdmin(http.MethodPut, "/attributes/department", `{"type":"number"}`), http.StatusBadRequest, "invalid_request")
		servertest.WantError(t, s.CallAdmin(http.MethodPut, "/attributes/department", `{"name":"other","type":"string"}`), http.StatusBadRequest, "invalid_request")
		servertest.WantError(t, s.CallAdmin(http.MethodPut, "/attributes/other", `{"type":"string"}`), http.StatusNotFound, "Not Found")
		if p := s.CallAdmin(http.MethodPut, "/attributes/department", `{"type":"string"}`); p.Status != http.StatusOK {
			t.Errorf("PUT: %d %s", p.Status, p.Body)
		}
		if p := patch(`{"department":null}`); p.Status != http.StatusOK {
			t.Errorf("an attribute that is not required any more: %d %s", p.Status, p.Body)
		}
		ended(s, "/attributes/manager")
		servertest.WantError(t, s.CallAdmin(http.MethodDelete, "/attributes/manager", ""), http.StatusNotFound, "Not Found")
		if p := patch(`{"floor":1}`); p.Status != http.StatusOK {
			t.Errorf("with a value of a deleted attribute: %d %s", p.Status, p.Body)
		} else {
			servertest.WantMembers(t, p.JSON(t), servertest.Object{"attributes": servertest.Object{"floor": 1.0, "badges": []any{}}})
		}
		var names []string
		for _, one := range listed(s, "/attributes") {
			names = append(names, servertest.Text(one["name"]))
		}
		if got := strings.Join(names, " "); got != "badges department floor" {
			t.Errorf("attributes: %s", got)
		}
	})
}

// An application with the scope of an attribute gets its claim from userinfo.
func TestAttributesReachApplications(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		subject := addUser(s, "zoe", nil).Subject
		for _, call := range [][3]string{
			{http.MethodPost, "/attributes", `{"name":"department","type":"string","scope":"hr","claim":"dept"}`},
			{http.MethodPost, "/attributes", `{"name":"floor","type":"number"}`},
			{http.MethodPatch, "/users/" + subject, `{"attributes":{"department":"Sales","floor":7}}`},
			{http.MethodPatch, "/clients/web", `[{"op":"replace","path":"/scope","value":"openid hr"}]`},
		} {
			if p := s.CallAdmin(call[0], call[1], call[2]); p.Status >= http.StatusBadRequest {
				t.Fatalf("%v: %d %s", call, p.Status, p.Body)
			}
		}
		s.Advance(servertest.ClientStaleness)
		b := s.NewBrowser()
		p := b.SignInByApp(s, b.Get("/oauth2/auth?"+servertest.AuthorizationRequest("scope", "openid hr").Encode()), servertest.Object{"subject": subject})
		p = b.ConsentByApp(s, p, servertest.Object{"grant_scope": []string{"openid", "hr"}})
		tokens := s.ExchangeCode(servertest.CodeOf(t, p))
		claims := s.Userinfo(servertest.Text(tokens["access_token"])).JSON(t)
		if claims["dept"] != "Sales" || claims["department"] != nil || claims["floor"] != nil {
			t.Errorf("userinfo: %v", claims)
		}
	})
}

// Administrators see and change what the schema allows them.
func TestAttributesOfUsersOnly(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		create := func(body string) servertest.Response { return s.CallAdmin(http.MethodPost, "/attributes", body) }
		servertest.WantMembers(t, create(`{"name":"floor","type":"number","title":"Floor"}`).JSON(t), servertest.Object{
			"title": "Floor", "visible_to": []any{"administrator"}, "editable_by": []any{"administrator"},
		})
		servertest.WantMembers(t, create(`{"name":"team","type":"string","editable_by":["user"],"required":true}`).JSON(t), servertest.Object{
			"visible_to": []any{"user", "administrator"}, "editable_by": []any{"user"},
		})
		servertest.WantMembers(t, create(`{"name":"diet","type":"string","visible_to":["user"],"editable_by":["user"]}`).JSON(t), servertest.Object{
			"visible_to": []any{"user"}, "editable_by": []any{"user"},
		})
		for _, body := range []string{`"visible_to":["everyone"]`, `"editable_by":[""]`, `"visible_to":"user"`, `"title":"a\u0001"`} {
			servertest.WantError(t, create(`{"name":"bad","type":"string",`+body+`}`), http.StatusBadRequest, "invalid_request")
		}
		path := "/users/" + addUser(s, "zoe", nil).Subject
		if _, _, err := s.ImportUsers([]byte(`[{"username":"zoe","attributes":{"floor":7,"team":"engines","diet":"vegan"}}]`)); err != nil {
			t.Fatal(err)
		}
		visible := servertest.Object{"attributes": servertest.Object{"floor": 7.0, "team": "engines"}}
		servertest.WantMembers(t, s.CallAdmin(http.MethodGet, path, "").JSON(t), visible)
		servertest.WantMembers(t, listed(s, "/users?q=zoe")[0], visible)
		for _, patch := range []string{`{"team":"looms"}`, `{"diet":null}`, `{"diet":"meat"}`, `null`} {
			servertest.WantError(t, s.CallAdmin(http.MethodPatch, path, `{"attributes":`+patch+`}`), http.StatusBadRequest, "invalid_request")
		}
		changed := s.CallAdmin(http.MethodPatch, path, `{"attributes":{"floor":null}}`).JSON(t)
		servertest.WantMembers(t, changed, servertest.Object{"attributes": servertest.Object{"team": "engines"}})
	})
}
