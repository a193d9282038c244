package server_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apiresource"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// hostileText has markup, a right-to-left override, an isolate that is not closed, and an invisible character.
const hostileText = `"><script>alert(1)</script><b onclick=x>` + "\u202edrow\u2066\u200b"

// Text from self-registered clients, users, requests and other administrators stays text on the pages
// of the console, and does not reorder them; no link of such text runs code.
func TestConsoleShowsTextOfOthersAsText(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, b := openConsole(t, db, account.Owner)
		ctx := t.Context()
		servertest.Must(t, s.Store.Resources.InsertResource(ctx, &apiresource.Resource{Definition: apiresource.Definition{Identifier: "urn:hostile", Name: hostileText, Scopes: []string{hostileText}, Clients: []string{hostileText}}}))
		servertest.Must(t, s.Store.Scopes.InsertScope(ctx, &scope.Scope{Name: "hostile", Title: hostileText, Description: hostileText}))
		eve := &account.Account{Subject: "eve-" + hostileText, Username: hostileText, CreatedAt: s.Time(), UpdatedAt: s.Time(), Claims: map[string]any{"name": hostileText, "given_name": hostileText}}
		servertest.Must(t, s.Store.Accounts.InsertAccount(ctx, eve))
		event := audit.NewEvent("user.update", hostileText, audit.Actor{Kind: audit.Key, ID: hostileText, Name: hostileText}, s.Time())
		event.Detail = hostileText
		servertest.Must(t, s.Store.Audit.BeginEvent(ctx, event))

		// What validation of registrations lets through.
		register := func(member, value string) string {
			body := `{"redirect_uris":["https://evil.example/cb"],"` + member + `":` + value + `}`
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/connect/register", strings.NewReader(body))
			servertest.Must(t, err)
			r.Header.Set("Content-Type", "application/json")
			p := servertest.Send(t, s.NewBrowser().Client, r)
			if p.Status != http.StatusCreated {
				return ""
			}
			return servertest.Text(p.JSON(t)["client_id"])
		}
		paths := []string{
			"/console", "/console/people", "/console/people?q=" + url.QueryEscape(hostileText), "/console/people/" + url.PathEscape(eve.Subject), "/console/groups",
			"/console/audit?action=" + url.QueryEscape(hostileText), "/console/audit", "/console/scopes", "/console/scopes/hostile", "/console/resources", "/console/resources/urn:hostile",
			"/console/sessions?subject=" + url.QueryEscape(hostileText), "/console/explain?request_id=" + url.QueryEscape(hostileText), "/console/settings", "/console/keys",
		}
		text := strings.NewReplacer(`"`, `\"`, "\u202e", "", "\u2066", "", "\u200b", "").Replace(hostileText)
		raw := strings.ReplaceAll(hostileText, `"`, `\"`)
		for _, member := range []string{"client_name", "software_id", "software_version", "client_name#de", "contacts", "policy_uri", "tos_uri", "logo_uri", "client_uri", "initiate_login_uri", "owner", "metadata"} {
			for _, value := range []string{
				`"` + text + `"`, `"` + raw + `"`, `["` + text + `"]`, `["` + raw + `"]`, `"javascript:alert(1)"`, `"data:text/html,<script>alert(1)</script>"`,
				`"https://evil.example/` + raw + `"`, `"https://evil.example/\" onclick=x"`, `{"a":"` + raw + `"}`,
			} {
				if id := register(member, value); id != "" {
					if strings.Contains(value, "javascript:") && strings.HasSuffix(member, "_uri") {
						t.Errorf("%s %s is registered", member, value)
					}
					paths = append(paths, "/console/applications/"+id, "/console/applications/"+id+"/json")
				}
			}
		}
		if len(paths) < 25 {
			t.Errorf("few hostile members are registered: %q", paths)
		}
		paths = append(paths, "/console/applications", "/console/applications?q="+url.QueryEscape(hostileText))
		for _, form := range []url.Values{
			servertest.AuthorizationRequest("client_id", hostileText), servertest.AuthorizationRequest("redirect_uri", "https://evil.example/"+hostileText),
			servertest.AuthorizationRequest("scope", hostileText), servertest.AuthorizationRequest("response_type", hostileText),
		} {
			if id := s.NewBrowser().Get("/oauth2/auth?" + form.Encode()).Header.Get("X-Request-Id"); id != "" {
				paths = append(paths, "/console/explain?request_id="+id)
			}
		}
		paths = append(paths, "/console/explain")
		for _, path := range paths {
			p := b.Get(path)
			if p.Status >= http.StatusInternalServerError || p.Status == http.StatusSeeOther {
				t.Errorf("GET %s: %d", path, p.Status)
			}
			wantText(t, path, p)
		}
		for path, form := range map[string]url.Values{
			"/console/applications/new": {"kind": {"web"}, "name": {hostileText}, "redirect_uri": {hostileText}}, "/console/people/new": {"username": {hostileText}, "email": {hostileText}, "name": {hostileText}},
			"/console/people/invite": {"email": {hostileText}, "groups": {hostileText}}, "/console/groups/new": {"name": {hostileText}, "description": {hostileText}},
			"/console/people/invitations": {"withdraw": {hostileText}}, "/console/people/invitations/bulk": {"list": {hostileText + "@example.org," + hostileText}},
			"/console/attributes/new": {"name": {hostileText}, "title": {hostileText}, "scope": {hostileText}}, "/console/scopes": {"delete": {hostileText}}, "/console/resources/new": {"identifier": {hostileText}, "name": {hostileText}, "scopes": {hostileText}, "clients": {hostileText}}, "/console/scopes/new": {"name": {hostileText}, "title": {hostileText}, "claims": {hostileText}},
			"/console/people/" + url.PathEscape(eve.Subject): {"change": {"delete"}},
			"/console/sessions": {"end": {hostileText}},
		} {
			p := b.Post(path, form)
			if p.Status >= http.StatusInternalServerError {
				t.Errorf("POST %s: %d", path, p.Status)
			}
			wantText(t, path, p)
			if p.Status == http.StatusSeeOther {
				wantText(t, path, b.Get(p.Location().String()))
			}
		}
	})
}

// wantText checks that a page has no element, attribute or direction from the hostile text, and no link
// that runs code.
func wantText(t *testing.T, path string, p servertest.Response) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(p.Body))
	servertest.Must(t, err)
	for n := range doc.Descendants() {
		switch {
		case n.Type == html.ElementNode:
			source := ""
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") {
					t.Errorf("%s: <%s %s>", path, n.Data, a.Key)
				}
				if slices.Contains([]string{"href", "src", "action"}, a.Key) && !strings.HasPrefix(a.Val, "http://localhost") && !strings.HasPrefix(a.Val, "https://") && !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "#") {
					t.Errorf("%s: <%s> leads to %q", path, n.Data, a.Val)
				}
				if a.Key == "src" {
					source = a.Val
				}
			}
			if n.Data == "b" || n.Data == "script" && !strings.HasPrefix(source, "/console/static/") {
				t.Errorf("%s: <%s src=%q>", path, n.Data, source)
			}
		case n.Type == html.TextNode && n.Parent.Data != "textarea" || n.Type == html.CommentNode:
			if strings.ContainsAny(n.Data, "\u202e\u2066\u200b") {
				t.Errorf("%s: <%s> shows %q", path, n.Parent.Data, n.Data)
			}
		case n.Type == html.TextNode && strings.HasSuffix(path, "/json") && strings.ContainsAny(n.Data, "\u202e\u2066\u200b"):
			t.Errorf("%s: the JSON shows %q", path, n.Data)
		}
	}
}
