package admin

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// attributeView is an attribute that accounts may have, as the API returns it.
type attributeView struct {
	Name       string          `json:"name"`
	Type       string          `json:"type"`
	Title      string          `json:"title"`
	Required   bool            `json:"required"`
	VisibleTo  []account.Party `json:"visible_to"`
	EditableBy []account.Party `json:"editable_by"`
	Scope      string          `json:"scope"`
	Claim      string          `json:"claim"`
	Users      int             `json:"users"`
	UpdatedAt  time.Time       `json:"updated_at"`
}

// title returns the label, or the name.
func (a *attributeView) title() string {
	if a.Title != "" {
		return a.Title
	}
	return a.Name
}

// attributeTypes returns the keys of the names of types.
func attributeTypes() map[string]string {
	return map[string]string{
		"string": "console.attributes.string", "number": "console.attributes.number", "boolean": "console.attributes.boolean", "list": "console.attributes.list",
	}
}

// partiesText returns the parties as the value of a choice.
func partiesText(list []account.Party) string {
	switch user, administrator := slices.Contains(list, account.PartyUser), slices.Contains(list, account.PartyAdministrator); {
	case user && administrator:
		return "both"
	case user:
		return string(account.PartyUser)
	}
	return string(account.PartyAdministrator)
}

// parseParties returns the parties of the value of a choice.
func parseParties(text string) []account.Party {
	if text == "both" {
		return []account.Party{account.PartyUser, account.PartyAdministrator}
	}
	return []account.Party{account.Party(text)}
}

// partyNames returns the keys of the names of the values of a choice of parties, in their order.
func partyNames() []pages.Option {
	return []pages.Option{
		{Value: string(account.PartyAdministrator), Text: messages.New("console.attributes.administrators")},
		{Value: string(account.PartyUser), Text: messages.New("console.attributes.user")},
		{Value: "both", Text: messages.New("console.attributes.both")},
	}
}

// attributes serves GET /console/attributes.
func attributes(v *visit) error {
	c := v.console
	content := pages.ConsoleList{
		Heading: messages.New("console.attributes"), Lede: messages.New("console.attributes.lede"), Action: c.Root + "/attributes", Empty: messages.New("console.attributes.none"),
	}
	write := v.holds(apikey.UsersWrite)
	if write {
		content.Links = []pages.LinkButton{{ID: "new", Link: pages.Link{URL: c.Root + "/attributes/new", Text: messages.New("console.attributes.new")}, Primary: true}}
	}
	var list []attributeView
	if err := v.list("listAttributes", nil, &list, &content); err != nil {
		return err
	}
	for i := range list {
		a := &list[i]
		row := pages.ListRow{Class: "attribute", Name: a.title(), URL: attributeURL(v, a.Name), Tag: messages.New(attributeTypes()[a.Type])}
		if a.Title != "" {
			row.Details = append(row.Details, a.Name)
		}
		if a.Scope != "" {
			row.Details = append(row.Details, v.console.Text(v.r, messages.New("console.attributes.released", "scope", a.Scope)))
		}
		content.Rows = append(content.Rows, row)
	}
	return v.show(content)
}

func attributeURL(v *visit, name string) string {
	return v.console.Root + "/attributes/" + url.PathEscape(name)
}

// attributeValues returns the values of the form of an attribute.
func attributeValues(a *attributeView) map[string]string {
	required := ""
	if a.Required {
		required = "true"
	}
	return map[string]string{
		"title": a.Title, "required": required, "visible_to": partiesText(a.VisibleTo), "editable_by": partiesText(a.EditableBy), "scope": a.Scope, "claim": a.Claim,
	}
}

// attributeMembers returns the fields of the form of an attribute.
func attributeMembers() []editField {
	var list []editField
	for _, name := range []string{"title", "required", "visible_to", "editable_by", "scope", "claim"} {
		list = append(list, editField{name, messages.New(attributeLabels()[name])})
	}
	return list
}

func attributeLabels() map[string]string {
	return map[string]string{
		"title": "console.attributes.title", "required": "console.attributes.required", "visible_to": "console.attributes.visible",
		"editable_by": "console.attributes.editable", "scope": "console.attributes.scope", "claim": "console.attributes.claim",
	}
}

// attributeInputs are the fields of the form of an attribute, with values.
func attributeInputs(values map[string]string) []pages.Input {
	field := func(name string, kind pages.InputKind) pages.Input {
		return pages.Input{ID: name, Name: name, Value: values[name], Label: messages.New(attributeLabels()[name]), Kind: kind}
	}
	choice := func(name string, options ...pages.Option) pages.Input {
		in := field(name, pages.InputChoice)
		for _, o := range options {
			o.Selected = o.Value == values[name]
			in.Options = append(in.Options, o)
		}
		return in
	}
	title, scope, claim := field("title", pages.InputText), field("scope", pages.InputText), field("claim", pages.InputText)
	title.Hint, title.MaxLength = messages.New("console.attributes.title.hint"), account.MaxAttributeText
	scope.Hint, scope.MaxLength = messages.New("console.attributes.scope.hint"), 255
	claim.Hint, claim.MaxLength = messages.New("console.attributes.claim.hint"), 255
	return []pages.Input{
		title,
		choice("required", pages.Option{Value: "", Text: messages.New("console.no")}, pages.Option{Value: "true", Text: messages.New("console.yes")}),
		choice("visible_to", partyNames()...), choice("editable_by", partyNames()...), scope, claim,
	}
}

// attributeForm is the form of a new attribute.
func attributeForm(v *visit) pages.ConsoleForm {
	form := v.r.Form
	values := map[string]string{}
	for _, m := range attributeMembers() {
		values[m.name] = form.Get(m.name)
	}
	kind := pages.Input{ID: "type", Name: "type", Label: messages.New("console.attributes.type"), Kind: pages.InputChoice}
	for _, t := range []account.AttributeType{account.StringAttribute, account.NumberAttribute, account.BooleanAttribute, account.ListAttribute} {
		kind.Options = append(kind.Options, pages.Option{Value: string(t), Text: messages.New(attributeTypes()[string(t)]), Selected: form.Get("type") == string(t)})
	}
	return pages.ConsoleForm{
		Heading: messages.New("console.attributes.new"), Lede: messages.New("console.attributes.lede"), CancelURL: v.console.Root + "/attributes",
		FormPart: pages.FormPart{
			Action: v.console.Root + "/attributes/new",
			Inputs: append([]pages.Input{
				{ID: "name", Name: "name", Value: form.Get("name"), Label: messages.New("console.groups.name"), Kind: pages.InputText, Required: true, MaxLength: 64}, kind,
			}, attributeInputs(values)...),
			Button: pages.Button{ID: "create", Text: messages.New("console.attributes.create"), Primary: true},
		},
	}
}

// newAttribute serves GET /console/attributes/new.
func newAttribute(v *visit) error { return v.show(attributeForm(v)) }

// attributeBody returns the fields of a form as the API takes them.
func attributeBody(form url.Values) map[string]any {
	return map[string]any{
		"title": strings.TrimSpace(form.Get("title")), "required": form.Get("required") == "true", "visible_to": parseParties(form.Get("visible_to")),
		"editable_by": parseParties(form.Get("editable_by")), "scope": strings.TrimSpace(form.Get("scope")), "claim": strings.TrimSpace(form.Get("claim")),
	}
}

// createAttribute serves POST /console/attributes/new.
func createAttribute(v *visit) error {
	body := attributeBody(v.r.PostForm)
	body["name"], body["type"] = strings.TrimSpace(v.r.PostForm.Get("name")), v.r.PostForm.Get("type")
	_, err := v.call(Call{Operation: "createAttribute", Body: body}, nil)
	if faults, ok := rejected(err); ok {
		content := attributeForm(v)
		content.Form = faults
		return v.refuse(http.StatusBadRequest, content)
	}
	if err != nil {
		return err
	}
	return v.done("/attributes", messages.New("console.saved"))
}

// readAttribute reads the attribute that the path names, and its ETag.
func readAttribute(v *visit) (a attributeView, tag string, err error) {
	tag, err = readTagged(v, Call{Operation: "getAttribute", Path: map[string]string{"name": v.pathValue("name")}}, &a)
	return a, tag, err
}

// attributePage is the page of an attribute, with values in its form.
func attributePage(v *visit, a *attributeView, values map[string]string) *pages.ConsoleDetail {
	content := &pages.ConsoleDetail{
		Name: a.title(), Tag: messages.New(attributeTypes()[a.Type]),
		Facts: []pages.Fact{
			{ID: "name", Label: messages.New("console.groups.name"), Value: a.Name},
			{ID: "users", Label: messages.New("console.attributes.users"), Text: countText("console.n-people", a.Users)},
		},
	}
	if !v.holds(apikey.UsersWrite) {
		return content
	}
	action := attributeURL(v, a.Name)
	content.Sections = []pages.Section{
		{ID: "definition", Heading: messages.New("console.attributes.definition"), Forms: []pages.FormPart{{
			Action: action, Inputs: append(before(attributeValues(a)), attributeInputs(values)...),
			Button: pages.Button{ID: "save", Name: "change", Value: "definition", Text: messages.New("console.save"), Primary: true},
		}}},
		{Heading: messages.New("console.danger"), Text: messages.New("console.attributes.question.text"), Danger: true, Forms: []pages.FormPart{{
			Action: action, Button: pages.Button{ID: "delete", Name: "change", Value: "delete", Text: messages.New("console.delete"), Danger: true},
		}}},
	}
	return content
}

// countText returns a number of users in words. The API counts up to 10,000.
func countText(key string, n int) messages.Message {
	if n >= maxCounted {
		return messages.New("console.many", "n", n)
	}
	return messages.New(key, "n", n)
}

// maxCounted is the largest number that the API counts.
const maxCounted = 10_000

// editAttribute serves GET /console/attributes/{name}.
func editAttribute(v *visit) error {
	a, _, err := readAttribute(v)
	if err != nil {
		return err
	}
	return v.show(attributePage(v, &a, attributeValues(&a)))
}

// changeAttribute serves POST /console/attributes/{name}: change is definition or delete.
func changeAttribute(v *visit) error {
	a, _, err := readAttribute(v)
	if err != nil {
		return err
	}
	path := map[string]string{"name": a.Name}
	if v.r.PostForm.Get("change") == "delete" {
		if !confirmed(v) {
			page := confirmation(attributeURL(v, a.Name), attributeURL(v, a.Name), messages.New("console.attributes.question", "name", a.title()),
				messages.New("console.attributes.question.text"), messages.New("console.delete"), pages.Input{Name: "change", Value: "delete"})
			page.Numbers = messages.New("console.attributes.question.numbers", "people", countText("console.n-people", a.Users))
			return v.show(page)
		}
		if _, err := v.call(Call{Operation: "deleteAttribute", Path: path}, nil); err != nil {
			return err
		}
		return v.done("/attributes", messages.New("console.attributes.deleted", "name", a.Name))
	}
	body := attributeBody(v.r.PostForm)
	body["type"] = a.Type
	conflict, err := saveEdit(v, edit{
		name: a.title(), page: strings.TrimPrefix(attributeURL(v, a.Name), v.console.Root), target: a.Name, actions: []string{"attribute.update"}, members: attributeMembers(),
		read: func() (map[string]string, string, time.Time, error) {
			now, tag, err := readAttribute(v)
			return attributeValues(&now), tag, now.UpdatedAt, err
		},
		write: func(tag string) error {
			_, err := v.call(Call{Operation: "setAttribute", Path: path, Body: body, IfMatch: tag}, nil)
			return err
		},
	})
	if faults, ok := rejected(err); ok {
		values := map[string]string{}
		for _, m := range attributeMembers() {
			values[m.name] = v.r.PostForm.Get(m.name)
		}
		content := attributePage(v, &a, values)
		content.Form = faults
		return v.refuse(http.StatusBadRequest, content)
	}
	if err != nil || conflict {
		return err
	}
	return v.done("/attributes", messages.New("console.saved"))
}
