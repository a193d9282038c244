package admin

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// attributeField is the prefix of the names of fields with the values of attributes.
const attributeField = "attribute."

// readSchema reads the attributes that accounts may have.
func readSchema(v *visit) (list []attributeView, err error) {
	_, err = v.call(Call{Operation: "listAttributes", Query: pageSize(500)}, &list)
	return list, err
}

// attributes is the form of the attributes of the schema; those that only the user may change are in a
// list.
func (p *personPage) attributes() error {
	schema, err := readSchema(p.v)
	if err != nil || len(schema) == 0 {
		return err
	}
	s := pages.Section{ID: "attributes", Heading: messages.New("console.attributes")}
	form := pages.FormPart{
		Action: p.v.userURL(p.user.Subject), Button: pages.Button{ID: "save-attributes", Name: "change", Value: "attributes", Text: messages.New("console.save")},
	}
	values := map[string]string{}
	for _, a := range schema {
		value := attributeText(p.user.Attributes[a.Name])
		if !p.write || !slices.Contains(a.EditableBy, account.PartyAdministrator) {
			if value != "" {
				s.Rows = append(s.Rows, pages.ListRow{Class: "attribute", Name: a.title(), Details: lines(value)})
			}
			continue
		}
		values[attributeField+a.Name] = value
		form.Inputs = append(form.Inputs, a.input(value))
	}
	if len(values) > 0 {
		form.Inputs = append(form.Inputs, before(values)...)
		s.Forms = []pages.FormPart{form}
	}
	if len(s.Rows)+len(s.Forms) > 0 {
		p.add(s)
	}
	return nil
}

// input is the field of the attribute in a form, with a value.
func (a *attributeView) input(value string) pages.Input {
	in := pages.Input{
		ID: attributeField + a.Name, Name: attributeField + a.Name, Value: value, Label: messages.Literal(a.title()), Kind: pages.InputText,
		Required: a.Required, MaxLength: account.MaxAttributeText,
	}
	switch account.AttributeType(a.Type) {
	case account.ListAttribute:
		in.Kind, in.MaxLength, in.Hint = pages.InputLines, 0, messages.New("console.one-per-line")
	case account.BooleanAttribute:
		in.Kind, in.MaxLength = pages.InputChoice, 0
		for value, key := range []string{"console.not-set", "console.yes", "console.no"} {
			option := pages.Option{Value: []string{"", "true", "false"}[value], Text: messages.New(key)}
			option.Selected = option.Value == in.Value
			in.Options = append(in.Options, option)
		}
	case account.StringAttribute, account.NumberAttribute:
	}
	return in
}

// attributeText returns a value of an attribute as the text of a field, empty for none.
func attributeText(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case string:
		return value
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	case []any:
		var items []string
		for _, item := range value {
			items = append(items, fmt.Sprint(item))
		}
		return strings.Join(items, "\n")
	}
	return fmt.Sprint(value)
}

// value returns the value of the text of a field, nil for none. A text that is no value of the type
// stays a text, which the API rejects.
func (a *attributeView) value(text string) any {
	text = sameLines(text)
	if text == "" {
		return nil
	}
	switch account.AttributeType(a.Type) {
	case account.ListAttribute:
		return lines(text)
	case account.BooleanAttribute:
		if value, err := strconv.ParseBool(text); err == nil {
			return value
		}
	case account.NumberAttribute:
		if json.Valid([]byte(text)) {
			return json.RawMessage(text)
		}
	case account.StringAttribute:
	}
	return text
}

// saveAttributes changes the attributes that have a field in the form. An empty one is removed.
func saveAttributes(v *visit) error {
	schema, err := readSchema(v)
	if err != nil {
		return err
	}
	var members []editField
	patch := map[string]any{}
	for _, a := range schema {
		if name := attributeField + a.Name; slices.Contains(a.EditableBy, account.PartyAdministrator) && (v.r.PostForm.Has(shownField) || v.r.PostForm.Has(name)) {
			members = append(members, editField{name, messages.Literal(a.title())})
			patch[a.Name] = a.value(v.r.PostForm.Get(name))
		}
	}
	return saveUser(v, members, func(p *userView) map[string]string {
		values := map[string]string{}
		for _, a := range schema {
			values[attributeField+a.Name] = attributeText(p.Attributes[a.Name])
		}
		return values
	}, map[string]any{"attributes": patch})
}
