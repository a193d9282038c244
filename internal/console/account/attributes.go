package account

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/url"
	"strings"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// attributeField returns the name of the field of an attribute.
func attributeField(a *account.Attribute) string { return "attributes." + a.Name }

func attributeID(a *account.Attribute) string { return "attribute-" + a.Name }

func attributeLabel(a *account.Attribute) string { return cmp.Or(a.Title, a.Name) }

// addAttributes adds to the form of the profile the attributes of an account that its user may see:
// fields with the text of value, and those that only administrators change.
func addAttributes(form *pages.AccountProfile, of *account.Account, schema []*account.Attribute, value func(*account.Attribute) string) {
	for _, a := range schema {
		one := pages.Attribute{ID: attributeID(a), Name: attributeField(a), Label: attributeLabel(a), Type: string(a.Type), Required: a.Required}
		switch {
		case a.IsEditableBy(account.PartyUser):
			one.Value = value(a)
			form.Attributes = append(form.Attributes, one)
			form.Fields += one.Name + " "
		case a.IsVisibleTo(account.PartyUser) && of.Attributes[a.Name] != nil:
			one.Value = attributeText(of.Attributes[a.Name])
			form.Managed = append(form.Managed, one)
		}
	}
}

// attributeText returns a value as the text of its field: a list has a line for each item. It is
// empty for nil.
func attributeText(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case string:
		return value
	case []any:
		lines := make([]string, len(value))
		for i, item := range value {
			lines[i] = attributeText(item)
		}
		return strings.Join(lines, "\n")
	default:
		text, _ := json.Marshal(value) // a value from JSON
		return string(text)
	}
}

// submittedAttributes reads the fields of attributes that users may change. A field that is empty
// has the value nil.
func submittedAttributes(form url.Values, schema []*account.Attribute) (values map[string]any, faults []pages.Fault) {
	values = map[string]any{}
	for _, a := range schema {
		if !a.IsEditableBy(account.PartyUser) || !hasField(form, attributeField(a)) {
			continue
		}
		value := parseAttribute(a.Type, form.Get(attributeField(a)))
		switch {
		case value == nil && a.Required:
			faults = append(faults, pages.Fault{Field: attributeID(a), Text: messages.New("account.profile.required", "label", attributeLabel(a))})
		case value != nil && a.CheckValue(value) != nil:
			faults = append(faults, pages.Fault{Field: attributeID(a), Text: attributeFault(a)})
		}
		values[a.Name] = value
	}
	return values, faults
}

// parseAttribute returns the value in the text of a field, nil if it is empty. Text that is no
// value of the type is returned as it is.
func parseAttribute(kind account.AttributeType, text string) any {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	switch kind {
	case account.ListAttribute:
		list := []any{}
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); line != "" {
				list = append(list, line)
			}
		}
		return list
	case account.NumberAttribute, account.BooleanAttribute:
		var value any
		if json.Unmarshal([]byte(text), &value) == nil && value != nil {
			return value
		}
	case account.StringAttribute:
	}
	return text
}

func attributeFault(a *account.Attribute) messages.Message {
	label := attributeLabel(a)
	switch a.Type {
	case account.NumberAttribute:
		return messages.New("account.profile.bad-number", "label", label)
	case account.BooleanAttribute:
		return messages.New("account.profile.bad-choice", "label", label)
	case account.ListAttribute:
		return messages.New("account.profile.bad-list", "label", label, "items", account.MaxAttributeItems, "n", account.MaxAttributeText)
	case account.StringAttribute:
	}
	return messages.New("account.profile.bad-text", "label", label, "n", account.MaxAttributeText)
}

// replaceAttributes returns attributes with the values of others. A value nil removes one.
func replaceAttributes(before, values map[string]any) map[string]any {
	after := maps.Clone(before)
	for name, value := range values {
		switch {
		case value == nil:
			delete(after, name)
		case after == nil:
			after = map[string]any{name: value}
		default:
			after[name] = value
		}
	}
	return after
}

// missesAttribute reports whether the account lacks a required attribute that its user may set.
func missesAttribute(a *account.Account, schema []*account.Attribute) bool {
	for _, one := range schema {
		if _, has := a.Attributes[one.Name]; one.Required && !has && one.IsEditableBy(account.PartyUser) {
			return true
		}
	}
	return false
}
