package admin

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/apiresource"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// resourceView is a declared resource as the API returns it.
type resourceView struct {
	Identifier              string   `json:"identifier"`
	Name                    string   `json:"name"`
	Scopes                  []string `json:"scopes"`
	Format                  string   `json:"access_token_format"`
	Alg                     string   `json:"access_token_signing_alg"`
	Lifetime                int64    `json:"access_token_lifetime"`
	RequireSenderConstraint bool     `json:"require_sender_constraint"`
	SharedTokens            bool     `json:"shared_tokens"`
	AllClients              bool     `json:"all_clients"`
	Clients                 []string `json:"clients"`
	IntrospectionClients    []string `json:"introspection_clients"`
}

// values returns the values of the form of the resource.
func (r *resourceView) values() map[string]string {
	answer := map[bool]string{true: "true"}
	lifetime := ""
	if r.Lifetime > 0 {
		lifetime = strconv.FormatInt(r.Lifetime, 10)
	}
	return map[string]string{
		"name": r.Name, "scopes": strings.Join(r.Scopes, "\n"), "access_token_format": r.Format, "access_token_signing_alg": r.Alg,
		"access_token_lifetime": lifetime, "require_sender_constraint": answer[r.RequireSenderConstraint], "shared_tokens": answer[r.SharedTokens],
		"all_clients": answer[r.AllClients], "clients": strings.Join(r.Clients, "\n"), "introspection_clients": strings.Join(r.IntrospectionClients, "\n"),
	}
}

// sentResource returns the resource that a form describes. A lifetime that is not a number is one that the API
// rejects.
func sentResource(identifier string, form url.Values) resourceView {
	lifetime := int64(0)
	if text := strings.TrimSpace(form.Get("access_token_lifetime")); text != "" {
		var err error
		if lifetime, err = strconv.ParseInt(text, 10, 64); err != nil {
			lifetime = -1
		}
	}
	is := func(name string) bool { return form.Get(name) == "true" }
	return resourceView{
		Identifier: identifier, Name: strings.TrimSpace(form.Get("name")), Scopes: strings.Fields(form.Get("scopes")),
		Format: form.Get("access_token_format"), Alg: form.Get("access_token_signing_alg"), Lifetime: lifetime,
		RequireSenderConstraint: is("require_sender_constraint"), SharedTokens: is("shared_tokens"), AllClients: is("all_clients"),
		Clients: lines(form.Get("clients")), IntrospectionClients: lines(form.Get("introspection_clients")),
	}
}

// resourceMembers returns the fields of the form of a resource, in their order.
func resourceMembers() []editField {
	return []editField{
		{"name", messages.New("console.resources.name")},
		{"scopes", messages.New("console.scopes")},
		{"access_token_format", messages.New("console.resources.format")},
		{"access_token_signing_alg", messages.New("console.resources.alg")},
		{"access_token_lifetime", messages.New("console.resources.lifetime")},
		{"require_sender_constraint", messages.New("console.resources.bound")},
		{"shared_tokens", messages.New("console.resources.shared")},
		{"all_clients", messages.New("console.resources.all")},
		{"clients", messages.New("console.resources.clients")},
		{"introspection_clients", messages.New("console.resources.introspection")},
	}
}

// resourceInputs are the fields of the form of a resource, with values.
func resourceInputs(values map[string]string) []pages.Input {
	preset := pages.Option{Text: messages.New("console.resources.default")}
	no, yes := pages.Option{Text: messages.New("console.no")}, pages.Option{Value: "true", Text: messages.New("console.yes")}
	algs := []pages.Option{preset}
	for _, alg := range apiresource.Algs() {
		algs = append(algs, pages.Option{Value: alg, Literal: alg})
	}
	options := map[string][]pages.Option{
		"access_token_format":       {preset, {Value: apiresource.FormatJWT, Literal: "JWT"}, {Value: apiresource.FormatOpaque, Text: messages.New("console.resources.opaque")}},
		"access_token_signing_alg":  algs,
		"require_sender_constraint": {no, yes}, "shared_tokens": {no, yes}, "all_clients": {no, yes},
	}
	var inputs []pages.Input
	for _, m := range resourceMembers() {
		in := pages.Input{ID: m.name, Name: m.name, Value: values[m.name], Label: m.label, Kind: pages.InputChoice}
		for _, o := range options[m.name] {
			o.Selected = o.Value == values[m.name]
			in.Options = append(in.Options, o)
		}
		switch m.name {
		case "name":
			in.Kind, in.Required, in.MaxLength, in.Hint = pages.InputText, true, 256, messages.New("console.scopes.title.hint")
		case "access_token_lifetime":
			in.Kind, in.MaxLength, in.Hint = pages.InputText, 10, messages.New("console.resources.lifetime.hint")
		case "scopes":
			in.Kind, in.Hint = pages.InputLines, messages.New("console.resources.scopes.hint")
		case "clients":
			in.Kind, in.Hint = pages.InputLines, messages.New("console.resources.clients.hint")
		case "introspection_clients":
			in.Kind, in.Hint = pages.InputLines, messages.New("console.resources.introspection.hint")
		}
		inputs = append(inputs, in)
	}
	return inputs
}

// postedResource returns the values of the fields that were sent.
func postedResource(form url.Values) map[string]string {
	values := map[string]string{}
	for _, m := range resourceMembers() {
		values[m.name] = form.Get(m.name)
	}
	return values
}

func resourceURL(v *visit, identifier string) string {
	return v.console.Root + "/resources/" + url.PathEscape(identifier)
}

// resources serves GET /console/resources.
func resources(v *visit) error {
	c := v.console
	content := pages.ConsoleList{
		Heading: messages.New("console.resources"), Lede: messages.New("console.resources.lede"), Action: c.Root + "/resources", Empty: messages.New("console.resources.none"),
	}
	if v.holds(apikey.ScopesWrite) {
		content.Links = []pages.LinkButton{{ID: "new", Link: pages.Link{URL: c.Root + "/resources/new", Text: messages.New("console.resources.new")}, Primary: true}}
	}
	var list []resourceView
	if err := v.list("listResources", nil, &list, &content); err != nil {
		return err
	}
	for _, r := range list {
		content.Rows = append(content.Rows, pages.ListRow{Class: "resource", Name: r.Name, URL: resourceURL(v, r.Identifier), Details: append([]string{r.Identifier}, r.Scopes...)})
	}
	return v.show(content)
}

// resourceForm is the form of a new resource.
func resourceForm(v *visit) pages.ConsoleForm {
	identifier := pages.Input{
		ID: "identifier", Name: "identifier", Value: v.r.Form.Get("identifier"), Label: messages.New("console.resources.identifier"),
		Hint: messages.New("console.resources.identifier.hint"), Kind: pages.InputText, Required: true, MaxLength: 256,
	}
	return pages.ConsoleForm{
		Heading: messages.New("console.resources.new"), Lede: messages.New("console.resources.lede"), CancelURL: v.console.Root + "/resources",
		FormPart: pages.FormPart{
			Action: v.console.Root + "/resources/new",
			Inputs: append([]pages.Input{identifier}, resourceInputs(postedResource(v.r.Form))...),
			Button: pages.Button{ID: "save", Text: messages.New("console.save"), Primary: true},
		},
	}
}

// newResource serves GET /console/resources/new.
func newResource(v *visit) error { return v.show(resourceForm(v)) }

// createResource serves POST /console/resources/new.
func createResource(v *visit) error {
	sent := sentResource(strings.TrimSpace(v.r.PostForm.Get("identifier")), v.r.PostForm)
	_, err := v.call(Call{Operation: "createResource", Body: sent}, nil)
	if faults, ok := rejected(err); ok {
		content := resourceForm(v)
		content.Form = faults
		return v.refuse(http.StatusBadRequest, content)
	}
	if err != nil {
		return err
	}
	return v.done("/resources", messages.New("console.saved"))
}

// readResource reads the resource that the path names, and its ETag.
func readResource(v *visit) (r resourceView, tag string, err error) {
	tag, err = readTagged(v, Call{Operation: "getResource", Path: map[string]string{"identifier": v.pathValue("identifier")}}, &r)
	return r, tag, err
}

// resourcePage is the page of a resource, with values in its form.
func resourcePage(v *visit, r *resourceView, values map[string]string) *pages.ConsoleDetail {
	content := &pages.ConsoleDetail{
		Name:  r.Name,
		Facts: []pages.Fact{{ID: "identifier", Label: messages.New("console.resources.identifier"), Value: r.Identifier, Copy: true}},
	}
	if !v.holds(apikey.ScopesWrite) {
		for _, in := range resourceInputs(r.values()) {
			fact := pages.Fact{ID: in.ID, Label: in.Label, Value: strings.Join(strings.Fields(in.Value), " ")}
			for _, o := range in.Options {
				if o.Selected {
					fact.Value, fact.Text = o.Literal, o.Text
				}
			}
			if fact.Value != "" || !fact.Text.IsZero() {
				content.Facts = append(content.Facts, fact)
			}
		}
		return content
	}
	action := resourceURL(v, r.Identifier)
	content.Sections = []pages.Section{
		{ID: "definition", Heading: messages.New("console.attributes.definition"), Forms: []pages.FormPart{{
			Action: action, Inputs: append(before(r.values()), resourceInputs(values)...),
			Button: pages.Button{ID: "save", Name: "change", Value: "definition", Text: messages.New("console.save"), Primary: true},
		}}},
		{Heading: messages.New("console.danger"), Text: messages.New("console.resources.question.text"), Danger: true, Forms: []pages.FormPart{{
			Action: action, Button: pages.Button{ID: "delete", Name: "change", Value: "delete", Text: messages.New("console.delete"), Danger: true},
		}}},
	}
	return content
}

// showResource serves GET /console/resources/{identifier}.
func showResource(v *visit) error {
	r, _, err := readResource(v)
	if err != nil {
		return err
	}
	return v.show(resourcePage(v, &r, r.values()))
}

// changeResource serves POST /console/resources/{identifier}: change is definition or delete.
func changeResource(v *visit) error {
	r, _, err := readResource(v)
	if err != nil {
		return err
	}
	page, path := resourceURL(v, r.Identifier), map[string]string{"identifier": r.Identifier}
	if v.r.PostForm.Get("change") == "delete" {
		if !confirmed(v) {
			return v.show(confirmation(page, page, messages.New("console.resources.question", "name", r.Name),
				messages.New("console.resources.question.text"), messages.New("console.delete"), pages.Input{Name: "change", Value: "delete"}))
		}
		if _, err := v.call(Call{Operation: "deleteResource", Path: path}, nil); err != nil {
			return err
		}
		return v.done("/resources", messages.New("console.resources.deleted", "name", r.Name))
	}
	conflict, err := saveEdit(v, edit{
		name: r.Name, page: strings.TrimPrefix(page, v.console.Root), target: r.Identifier, actions: []string{"resource.update"}, members: resourceMembers(),
		read: func() (map[string]string, string, time.Time, error) {
			now, tag, err := readResource(v)
			return now.values(), tag, time.Time{}, err
		},
		write: func(tag string) error {
			_, err := v.call(Call{Operation: "setResource", Path: path, Body: sentResource(r.Identifier, v.r.PostForm), IfMatch: tag}, nil)
			return err
		},
	})
	if faults, ok := rejected(err); ok {
		content := resourcePage(v, &r, postedResource(v.r.PostForm))
		content.Form = faults
		return v.refuse(http.StatusBadRequest, content)
	}
	if err != nil || conflict {
		return err
	}
	return v.done("/resources", messages.New("console.saved"))
}
