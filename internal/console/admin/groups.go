package admin

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// groupsPage serves GET /console/groups.
func groupsPage(v *visit) error {
	c := v.console
	content := pages.ConsoleList{
		Heading: messages.New("console.groups"), Lede: messages.New("console.groups.lede"), Action: c.Root + "/groups", Empty: messages.New("console.groups.none"),
	}
	write := v.holds(apikey.UsersWrite)
	if write {
		content.Links = []pages.LinkButton{{ID: "new", Link: pages.Link{URL: c.Root + "/groups/new", Text: messages.New("console.groups.new")}, Primary: true}}
	}
	var list []struct{ Name, Description string }
	if err := v.list("listGroups", nil, &list, &content); err != nil {
		return err
	}
	for _, g := range list {
		row := pages.ListRow{Class: "group", Name: g.Name, URL: groupURL(v, g.Name)}
		if g.Description != "" {
			row.Details = []string{g.Description}
		}
		content.Rows = append(content.Rows, row)
	}
	return v.show(content)
}

func groupForm(v *visit) pages.ConsoleForm {
	form := v.r.Form
	return pages.ConsoleForm{
		Heading: messages.New("console.groups.new"), CancelURL: v.console.Root + "/groups",
		FormPart: pages.FormPart{
			Action: v.console.Root + "/groups/new",
			Inputs: []pages.Input{
				{ID: "name", Name: "name", Value: form.Get("name"), Label: messages.New("console.groups.name"), Kind: pages.InputText, Required: true, MaxLength: 255},
				{ID: "description", Name: "description", Value: form.Get("description"), Label: messages.New("console.groups.description"), Kind: pages.InputText, MaxLength: 500},
			},
			Button: pages.Button{ID: "create", Text: messages.New("console.groups.create"), Primary: true},
		},
	}
}

// newGroup serves GET /console/groups/new.
func newGroup(v *visit) error { return v.show(groupForm(v)) }

// createGroup serves POST /console/groups/new: the fields name and description.
func createGroup(v *visit) error {
	form := v.r.PostForm
	body := map[string]any{"name": form.Get("name"), "description": form.Get("description")}
	_, err := v.call(Call{Operation: "createGroup", Body: body}, nil)
	if faults, ok := rejected(err); ok {
		content := groupForm(v)
		content.Form = faults
		return v.refuse(http.StatusBadRequest, content)
	}
	if err != nil {
		return err
	}
	return v.done(strings.TrimPrefix(groupURL(v, form.Get("name")), v.console.Root), messages.New("console.groups.created", "name", form.Get("name")))
}

func groupURL(v *visit, name string) string {
	return v.console.Root + "/groups/" + url.PathEscape(name)
}
