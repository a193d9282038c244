package account

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

var (
	// ErrAttributeNotFound reports an unknown attribute.
	ErrAttributeNotFound = errors.New("attribute not found")
	// ErrAttributeExists reports the name of an attribute that is taken.
	ErrAttributeExists = errors.New("attribute exists already")
)

// AttributeType is the type of the values of an attribute.
type AttributeType string

// The types of attributes.
const (
	StringAttribute  AttributeType = "string"
	NumberAttribute  AttributeType = "number"
	BooleanAttribute AttributeType = "boolean"
	ListAttribute    AttributeType = "list" // of strings
)

// Party is who sees or changes an attribute.
type Party string

// The parties.
const (
	PartyUser          Party = "user" // to whom the account belongs
	PartyAdministrator Party = "administrator"
)

// Attribute is an attribute that accounts may have, as the operator defines it.
type Attribute struct {
	Name string
	AttributeDefinition

	CreatedAt time.Time
	UpdatedAt time.Time
}

// AttributeDefinition is the type of an attribute, who may see and change it, and the scope that
// releases it.
type AttributeDefinition struct {
	Type AttributeType `json:"type"`
	// Title is the label on the account pages; empty for the name.
	Title string `json:"title,omitempty"`
	// Required attributes must be present when a party that may change them changes the
	// attributes of an account.
	Required bool `json:"required,omitempty"`
	// VisibleTo and EditableBy list who may see and who may change the attribute; empty for
	// administrators. The editors may always see it.
	VisibleTo  []Party `json:"visible_to,omitempty"`
	EditableBy []Party `json:"editable_by,omitempty"`
	// Scope is the scope that releases the attribute as Claim; empty for none.
	Scope string `json:"scope,omitempty"`
	Claim string `json:"claim,omitempty"`
}

// Viewers returns who may see the attribute.
func (d *AttributeDefinition) Viewers() []Party {
	return parties(slices.Concat(parties(d.VisibleTo), d.Editors()))
}

// Editors returns who may change the attribute.
func (d *AttributeDefinition) Editors() []Party { return parties(d.EditableBy) }

// parties returns the parties of a list, each once and in the order of the constants.
// Administrators are those of an empty list.
func parties(list []Party) []Party {
	if len(list) == 0 {
		return []Party{PartyAdministrator}
	}
	return slices.DeleteFunc([]Party{PartyUser, PartyAdministrator}, func(p Party) bool { return !slices.Contains(list, p) })
}

// IsVisibleTo reports whether a party may see the attribute.
func (d *AttributeDefinition) IsVisibleTo(p Party) bool { return slices.Contains(d.Viewers(), p) }

// IsEditableBy reports whether a party may change the attribute.
func (d *AttributeDefinition) IsEditableBy(p Party) bool { return slices.Contains(d.Editors(), p) }

// VisibleAttributes returns the attributes of an account that a party may see.
func VisibleAttributes(schema []*Attribute, all map[string]any, to Party) map[string]any {
	visible := map[string]any{}
	for _, a := range schema {
		if value, has := all[a.Name]; has && a.IsVisibleTo(to) {
			visible[a.Name] = value
		}
	}
	return visible
}

var attributeName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,63}$`)

// Check returns an error if the attribute is invalid. Package scope checks its scope and claim.
func (a *Attribute) Check() error {
	switch {
	case !attributeName.MatchString(a.Name):
		return errors.New("name must be 1 to 64 letters, digits, dots, dashes and underscores, and begin with a letter")
	case !slices.Contains([]AttributeType{StringAttribute, NumberAttribute, BooleanAttribute, ListAttribute}, a.Type):
		return errors.New("type must be string, number, boolean or list")
	case a.Title != "" && !isAttributeText(a.Title):
		return fmt.Errorf("title must have at most %d characters of text", MaxAttributeText)
	case slices.ContainsFunc(slices.Concat(a.VisibleTo, a.EditableBy), func(p Party) bool { return p != PartyUser && p != PartyAdministrator }):
		return errors.New("visible_to and editable_by must be lists of user and administrator")
	case a.Scope == "" && a.Claim != "":
		return errors.New("claim needs a scope that releases it")
	}
	return nil
}

// Limits of the values of attributes.
const (
	MaxAttributeText  = 1000 // characters of a string
	MaxAttributeItems = 100  // of a list
)

// CheckValue returns an error unless a value from JSON can be that of the attribute.
func (a *Attribute) CheckValue(value any) error {
	ok := false
	switch v := value.(type) {
	case string:
		ok = a.Type == StringAttribute && isAttributeText(v)
	case bool:
		ok = a.Type == BooleanAttribute
	case float64, json.Number:
		ok = a.Type == NumberAttribute
	case []any:
		ok = a.Type == ListAttribute && len(v) <= MaxAttributeItems && !slices.ContainsFunc(v, func(item any) bool {
			text, isText := item.(string)
			return !isText || !isAttributeText(text)
		})
	}
	if ok {
		return nil
	}
	kind := map[AttributeType]string{
		StringAttribute: fmt.Sprintf("a string of 1 to %d characters", MaxAttributeText), NumberAttribute: "a number", BooleanAttribute: "true or false",
		ListAttribute: fmt.Sprintf("a list of at most %d strings of 1 to %d characters", MaxAttributeItems, MaxAttributeText),
	}[a.Type]
	return fmt.Errorf("attributes.%s must be %s", a.Name, kind)
}

func isAttributeText(text string) bool {
	return text != "" && utf8.RuneCountInString(text) <= MaxAttributeText && !strings.ContainsFunc(text, unicode.IsControl)
}
