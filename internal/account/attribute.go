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

// Attribute is an attribute that accounts may have, as the operator defines it.
type Attribute struct {
	Name string
	AttributeDefinition

	CreatedAt time.Time
	UpdatedAt time.Time
}

// AttributeDefinition is the type of an attribute, and the scope that releases it.
type AttributeDefinition struct {
	Type AttributeType `json:"type"`
	// Required attributes must be present when the attributes of an account change.
	Required bool `json:"required,omitempty"`
	// Scope is the scope that releases the attribute as Claim; empty for none.
	Scope string `json:"scope,omitempty"`
	Claim string `json:"claim,omitempty"`
}

var attributeName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,63}$`)

// Check returns an error if the attribute is invalid. Package scope checks its scope and claim.
func (a *Attribute) Check() error {
	switch {
	case !attributeName.MatchString(a.Name):
		return errors.New("name must be 1 to 64 letters, digits, dots, dashes and underscores, and begin with a letter")
	case !slices.Contains([]AttributeType{StringAttribute, NumberAttribute, BooleanAttribute, ListAttribute}, a.Type):
		return errors.New("type must be string, number, boolean or list")
	case a.Scope == "" && a.Claim != "":
		return errors.New("claim needs a scope that releases it")
	}
	return nil
}

const (
	maxAttributeText  = 1000 // characters of a string
	maxAttributeItems = 100  // of a list
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
		ok = a.Type == ListAttribute && len(v) <= maxAttributeItems && !slices.ContainsFunc(v, func(item any) bool {
			text, isText := item.(string)
			return !isText || !isAttributeText(text)
		})
	}
	if ok {
		return nil
	}
	kind := map[AttributeType]string{
		StringAttribute: fmt.Sprintf("a string of 1 to %d characters", maxAttributeText), NumberAttribute: "a number", BooleanAttribute: "true or false",
		ListAttribute: fmt.Sprintf("a list of at most %d strings of 1 to %d characters", maxAttributeItems, maxAttributeText),
	}[a.Type]
	return fmt.Errorf("attributes.%s must be %s", a.Name, kind)
}

func isAttributeText(text string) bool {
	return text != "" && utf8.RuneCountInString(text) <= maxAttributeText && !strings.ContainsFunc(text, unicode.IsControl)
}
