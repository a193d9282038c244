package admin

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// application is a client as the API returns it.
type application struct {
	ID            string    `json:"client_id"`
	Secret        string    `json:"client_secret"`
	Name          string    `json:"client_name"`
	Type          string    `json:"application_type"`
	RedirectURIs  []string  `json:"redirect_uris"`
	GrantTypes    []string  `json:"grant_types"`
	Scope         string    `json:"scope"`
	AuthMethod    string    `json:"token_endpoint_auth_method"`
	AllowedGroups []string  `json:"allowed_groups"`
	SkipConsent   bool      `json:"skip_consent"`
	DPoPBound     bool      `json:"dpop_bound_access_tokens"`
	Resources     []string  `json:"served_resources"`
	CreatedAt     time.Time `json:"created_at"`
}

// title returns the name, or the ID.
func (a *application) title() string {
	if a.Name != "" {
		return a.Name
	}
	return a.ID
}

// list returns the values of a member that is a list.
func (a *application) list(member string) []string {
	return map[string][]string{"redirect_uris": a.RedirectURIs, "allowed_groups": a.AllowedGroups}[member]
}

// kind is a kind of applications, with the metadata that it has.
type kind struct {
	id         string
	name       string // the key of its name
	appType    string
	authMethod string
	grants     []string
	redirects  bool // it has redirect URIs
}

// kinds returns the kinds of applications.
func kinds() []kind {
	code := []string{client.GrantAuthorizationCode, client.GrantRefreshToken}
	return []kind{
		{"web", "console.kind.web", "web", client.AuthBasic, code, true},
		{"spa", "console.kind.spa", "web", client.AuthNone, code, true},
		{"native", "console.kind.native", "native", client.AuthNone, code, true},
		{"device", "console.kind.device", "native", client.AuthNone, []string{client.GrantDeviceCode, client.GrantRefreshToken}, false},
		{"service", "console.kind.service", "web", client.AuthBasic, []string{client.GrantClientCredentials}, false},
		{"api", "console.kind.api", "web", client.AuthBasic, nil, false},
	}
}

// kindOf returns the key of the name of the kind that an application most likely is.
func kindOf(a *application) string {
	if len(a.Resources) > 0 {
		return "console.kind.api"
	}
	for _, k := range kinds() {
		public := a.AuthMethod == client.AuthNone
		if len(k.grants) > 0 && slices.Contains(a.GrantTypes, k.grants[0]) && public == (k.authMethod == client.AuthNone) && (a.Type == k.appType || !k.redirects) {
			return k.name
		}
	}
	return "console.kind.web"
}

func (v *visit) applicationURL(id string) string {
	return v.console.Root + "/applications/" + url.PathEscape(id)
}

// showApplication serves GET /console/applications/{id}.
func showApplication(v *visit) error {
	a, err := readApplication(v)
	if err != nil {
		return err
	}
	return showWhole(v, a)
}

func readApplication(v *visit) (*application, error) {
	var a application
	_, err := v.call(Call{Operation: "getOAuth2Client", Path: map[string]string{"id": v.pathValue("id")}}, &a)
	return &a, err
}

// applicationPage is the page of an application. A secret is there only if it is new.
func applicationPage(v *visit, a *application) pages.ConsoleDetail {
	action := v.applicationURL(a.ID)
	content := pages.ConsoleDetail{
		Name: a.title(), Tag: messages.New(kindOf(a)), Warning: messages.New("console.application.secret-once"),
		Facts: []pages.Fact{
			{ID: "client-id", Label: messages.New("console.application.client-id"), Value: a.ID, Copy: true},
			{ID: "issuer", Label: messages.New("console.application.issuer"), Value: v.console.Issuer, Copy: true},
			{Label: messages.New("console.application.auth-method"), Value: a.AuthMethod},
			{Label: messages.New("console.application.scopes"), Value: a.Scope},
		},
		Links: memberLinksOf(action),
	}
	if a.Secret != "" {
		content.Once = []pages.Fact{{ID: "client-secret", Label: messages.New("console.application.secret"), Value: a.Secret, Copy: true}}
	}
	content.Sections = trySection(v, a)
	if !v.holds(apikey.ClientsWrite) {
		return content
	}
	save := pages.Button{Text: messages.New("console.save")}
	edit := func(id, name, label string, values []string) pages.Section {
		button := save
		button.ID, button.Name, button.Value = "save-"+id, "change", name
		return pages.Section{Heading: messages.New(label), Text: messages.New(label + ".hint"), Forms: []pages.FormPart{{
			Action: action, Button: button,
			Inputs: []pages.Input{
				{Name: beforePrefix + name, Value: strings.Join(values, "\n"), Kind: pages.InputHidden},
				{ID: id, Name: name, Value: strings.Join(values, "\n"), Label: messages.New(label), Kind: pages.InputLines, UnderHeading: true},
			},
		}}}
	}
	if slices.Contains(a.GrantTypes, client.GrantAuthorizationCode) {
		content.Sections = append(content.Sections, edit("redirect-uris", "redirect_uris", "console.application.redirect-uris", a.RedirectURIs))
	}
	content.Sections = append(content.Sections, edit("allowed-groups", "allowed_groups", "console.application.groups", a.AllowedGroups))
	content.Sections = append(content.Sections, pages.Section{
		Heading: messages.New("console.danger"), Text: messages.New("console.application.delete.hint"), Danger: true,
		Forms: []pages.FormPart{{Action: action, Button: pages.Button{ID: "delete", Name: "change", Value: "delete", Text: messages.New("console.application.delete"), Danger: true}}},
	})
	return content
}

// changeApplication serves POST /console/applications/{id}: change is redirect_uris, allowed_groups,
// secret (a new one), allow or delete, and remove-secret is the ID of a secret. confirm is yes after the
// question before the last three.
func changeApplication(v *visit) error {
	form, id := v.r.PostForm, v.pathValue("id")
	path := map[string]string{"id": id}
	if secret := form.Get("remove-secret"); secret != "" {
		return removeSecret(v, id, secret)
	}
	switch change := form.Get("change"); change {
	case "redirect_uris", "allowed_groups":
		return patchApplication(v, id, change, lines(form.Get(beforePrefix+change)), lines(form.Get(change)))
	case "secret":
		var changed application
		if _, err := v.call(Call{Operation: "addOAuth2ClientSecret", Path: path}, &changed); err != nil {
			return refuseChange(v, err)
		}
		return showWhole(v, &changed)
	case "allow":
		return allowAddress(v, id, form.Get("uri"))
	case "delete":
		a, err := readApplication(v)
		if err != nil {
			return err
		}
		if !confirmed(v) {
			return v.show(confirmation(v.applicationURL(id), v.applicationURL(id), messages.New("console.application.delete.question", "name", a.title()),
				messages.New("console.application.delete.hint"), messages.New("console.application.delete"), pages.Input{Name: "change", Value: "delete"}))
		}
		if _, err := v.call(Call{Operation: "deleteOAuth2Client", Path: path}, nil); err != nil {
			return err
		}
		return v.done("/applications", messages.New("console.application.deleted", "name", a.title()))
	}
	return errNotFound
}

// patchApplication replaces a list of the client, unless it has changed since the page was shown.
//
// Spec: RFC 6902 §4.6.
func patchApplication(v *visit, id, member string, before, after []string) error {
	a, err := readApplication(v)
	if err != nil {
		return err
	}
	patch := []map[string]any{}
	if len(before) > 0 {
		patch = append(patch, map[string]any{"op": "test", "path": "/" + member, "value": before})
	}
	patch = append(patch, map[string]any{"op": "add", "path": "/" + member, "value": after})
	ok, faults := true, pages.Form{}
	if len(before) > 0 || len(a.list(member)) == 0 { // a patch cannot test that a member is absent
		_, err = v.call(Call{Operation: "patchOAuth2Client", Path: map[string]string{"id": id}, Body: patch}, nil)
		if err == nil {
			return v.done("/applications/"+url.PathEscape(id), messages.New("console.saved"))
		}
		faults, ok = rejected(err)
	}
	if !ok {
		return err
	}
	if a, err = readApplication(v); err != nil {
		return err
	}
	content := applicationPage(v, a)
	content.Form = faults
	if now := a.list(member); !slices.Equal(now, before) {
		label := map[string]string{"redirect_uris": "console.application.redirect-uris", "allowed_groups": "console.application.groups"}[member]
		return showConflict(v, applicationEdit(a, ""), []pages.ConflictRow{{Label: messages.New(label), Theirs: now, Mine: after}},
			sentAgain(v.r.PostForm, map[string]string{member: strings.Join(now, "\n")}), time.Time{})
	}
	for i := range content.Sections {
		for j := range content.Sections[i].Forms {
			for k := range content.Sections[i].Forms[j].Inputs {
				if in := &content.Sections[i].Forms[j].Inputs[k]; in.Name == member {
					in.Value = strings.Join(after, "\n") // the input is kept
				}
			}
		}
	}
	return v.refuse(http.StatusBadRequest, content)
}

// applicationEdit describes a change of the client on the page below its own.
func applicationEdit(a *application, page string) edit {
	return edit{name: a.title(), page: "/applications/" + url.PathEscape(a.ID) + page, target: a.ID, actions: []string{"client.update"}}
}

// allowAddress adds the redirect URI of a rejected request to the client, after a question.
func allowAddress(v *visit, id, uri string) error {
	a, err := readApplication(v)
	if err != nil {
		return err
	}
	if !confirmed(v) {
		page := confirmation(v.applicationURL(id), v.console.Root+"/explain", messages.New("console.allow.question", "name", a.title()),
			messages.New("console.allow.question.text", "uri", uri), messages.New("console.allow"),
			pages.Input{Name: "change", Value: "allow"}, pages.Input{Name: "uri", Value: uri})
		page.Button.Danger, page.Button.Primary = false, true
		return v.show(page)
	}
	if slices.Contains(a.RedirectURIs, uri) {
		return v.done("/applications/"+url.PathEscape(id), messages.New("console.saved"))
	}
	return patchApplication(v, id, "redirect_uris", a.RedirectURIs, append(slices.Clone(a.RedirectURIs), uri))
}
