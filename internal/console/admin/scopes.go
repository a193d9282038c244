package admin

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/scope"
)

// scopeView is a scope as the API returns it.
type scopeView struct {
	Name             string              `json:"name"`
	Title            string              `json:"title"`
	Description      string              `json:"description"`
	Claims           map[string][]string `json:"claims"`
	SelfRegistration bool                `json:"self_registration"`
}

// values returns the values of the form of the scope.
func (s *scopeView) values() map[string]string {
	return map[string]string{"title": s.Title, "description": s.Description, "claims": claimLines(s.Claims)}
}

// scopes serves GET /console/scopes.
func scopes(v *visit) error {
	c := v.console
	content := pages.ConsoleList{
		Heading: messages.New("console.scopes"), Lede: messages.New("console.scopes.lede"), Action: c.Root + "/scopes", Empty: messages.New("console.scopes.none"),
	}
	write := v.holds(apikey.ScopesWrite)
	if write {
		content.Links = []pages.LinkButton{{ID: "new", Link: pages.Link{URL: c.Root + "/scopes/new", Text: messages.New("console.scopes.new")}, Primary: true}}
	}
	var list []scopeView
	if err := v.list("listScopes", nil, &list, &content); err != nil {
		return err
	}
	for _, s := range list {
		row := pages.ListRow{Class: "scope", Name: s.Name, Post: content.Action}
		if s.Title != "" {
			row.Details = []string{s.Title}
		}
		row.Details = append(row.Details, slices.Sorted(maps.Keys(s.Claims))...)
		if write {
			row.URL = c.Root + "/scopes/" + url.PathEscape(s.Name)
			row.Button = &pages.Button{Name: "delete", Value: s.Name, Text: messages.New("console.delete"), About: s.Name}
		}
		content.Rows = append(content.Rows, row)
	}
	return v.show(content)
}

// deleteScope serves POST /console/scopes: delete is the name of a scope, and confirm is yes after
// the question.
func deleteScope(v *visit) error {
	return deleteNamed(v, "/scopes", "deleteScope", "console.scopes.question", "console.scopes.question.text", "console.scopes.deleted")
}

// scopeForm is the form of a scope: of a new one, unless action is the address of one.
func scopeForm(v *visit, action string, s *scopeView) pages.ConsoleForm {
	content := pages.ConsoleForm{
		Heading: messages.New("console.scopes.new"), Lede: messages.New("console.scopes.lede"), CancelURL: v.console.Root + "/scopes",
		FormPart: pages.FormPart{
			Action: action,
			Inputs: []pages.Input{
				{ID: "name", Name: "name", Value: s.Name, Label: messages.New("console.groups.name"), Kind: pages.InputText, Required: true, MaxLength: 255},
				{ID: "title", Name: "title", Value: s.Title, Label: messages.New("console.scopes.title"), Hint: messages.New("console.scopes.title.hint"), Kind: pages.InputText, MaxLength: 256},
				{ID: "description", Name: "description", Value: s.Description, Label: messages.New("console.groups.description"), Kind: pages.InputText, MaxLength: 1024},
				{ID: "claims", Name: "claims", Value: claimLines(s.Claims), Label: messages.New("console.scopes.claims"), Hint: messages.New("console.scopes.claims.hint"), Kind: pages.InputLines, Rows: 6},
			},
			Button: pages.Button{ID: "save", Text: messages.New("console.save"), Primary: true},
		},
	}
	if action != v.console.Root+"/scopes/new" {
		content.Heading = messages.New("console.scopes.edit", "name", s.Name)
		content.Inputs = append(before(s.values()), content.Inputs[1:]...)
	}
	return content
}

// claimLines returns the claims of a scope as lines of a claim and its destinations.
func claimLines(claims map[string][]string) string {
	var text strings.Builder
	for _, claim := range slices.Sorted(maps.Keys(claims)) {
		text.WriteString(claim + " " + strings.Join(claims[claim], " ") + "\n")
	}
	return text.String()
}

// parseClaims parses the text of claimLines. A claim without destinations is in ID tokens and
// userinfo responses.
func parseClaims(text string) map[string][]string {
	claims := map[string][]string{}
	for _, line := range lines(text) {
		words := strings.Fields(line)
		claims[words[0]] = words[1:]
		if len(words) == 1 {
			claims[words[0]] = []string{string(scope.IDToken), string(scope.Userinfo)}
		}
	}
	return claims
}

// newScope serves GET /console/scopes/new.
func newScope(v *visit) error {
	return v.show(scopeForm(v, v.console.Root+"/scopes/new", &scopeView{Name: v.r.Form.Get("name")}))
}

// editScope serves GET /console/scopes/{name}.
func editScope(v *visit) error {
	var s scopeView
	if _, err := v.call(Call{Operation: "getScope", Path: map[string]string{"name": v.pathValue("name")}}, &s); err != nil {
		return err
	}
	return v.show(scopeForm(v, v.console.Root+"/scopes/"+url.PathEscape(s.Name), &s))
}

// sent sets the members of the scope that the form has.
func (s *scopeView) sent(form url.Values) {
	s.Title, s.Description, s.Claims = strings.TrimSpace(form.Get("title")), strings.TrimSpace(form.Get("description")), parseClaims(form.Get("claims"))
}

// createScope serves POST /console/scopes/new: the fields name, title, description and claims.
func createScope(v *visit) error {
	s := scopeView{Name: strings.TrimSpace(v.r.PostForm.Get("name"))}
	s.sent(v.r.PostForm)
	_, err := v.call(Call{Operation: "createScope", Body: s}, nil)
	if faults, ok := rejected(err); ok {
		content := scopeForm(v, v.console.Root+"/scopes/new", &s)
		content.Form = faults
		return v.refuse(http.StatusBadRequest, content)
	}
	if err != nil {
		return err
	}
	return v.done("/scopes", messages.New("console.saved"))
}

// saveScope serves POST /console/scopes/{name}: the fields title, description and claims.
func saveScope(v *visit) error {
	path := map[string]string{"name": v.pathValue("name")}
	page := "/scopes/" + url.PathEscape(path["name"])
	var s scopeView
	conflict, err := saveEdit(v, edit{
		name: path["name"], page: page, target: path["name"], actions: []string{"scope.update"},
		members: []editField{
			{"title", messages.New("console.scopes.title")}, {"description", messages.New("console.groups.description")}, {"claims", messages.New("console.scopes.claims")},
		},
		read: func() (map[string]string, string, time.Time, error) {
			s = scopeView{}
			tag, err := readTagged(v, Call{Operation: "getScope", Path: path}, &s)
			return s.values(), tag, time.Time{}, err
		},
		write: func(tag string) error {
			changed := s
			changed.sent(v.r.PostForm)
			_, err := v.call(Call{Operation: "setScope", Path: path, Body: changed, IfMatch: tag}, nil)
			return err
		},
	})
	if faults, ok := rejected(err); ok {
		stored := s.values()
		s.sent(v.r.PostForm)
		content := scopeForm(v, v.console.Root+page, &s)
		content.Inputs = append(before(stored), content.Inputs[len(before(stored)):]...)
		content.Form = faults
		return v.refuse(http.StatusBadRequest, content)
	}
	if err != nil || conflict {
		return err
	}
	return v.done("/scopes", messages.New("console.saved"))
}
