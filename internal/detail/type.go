package detail

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
)

var (
	// ErrNotFound reports a type that is not declared.
	ErrNotFound = errors.New("authorization details type not found")
	// ErrExists reports a name that is taken.
	ErrExists = errors.New("authorization details type exists already")
	// ErrChanged reports a type that was changed since it was read.
	ErrChanged = errors.New("the authorization details type has changed")
)

// Type is a type of authorization details.
//
// Spec: RFC 9396 §2.1.
type Type struct {
	Name string
	Definition

	CreatedAt time.Time
	UpdatedAt time.Time
}

// Definition holds the members of a type.
type Definition struct {
	// Schema is the JSON schema of the details, without references to other documents.
	Schema json.RawMessage `json:"schema" doc:"JSON schema of the details, without references to other documents"`
	// Sentences maps language tags to the words of the consent page. All of them name the same members.
	Sentences map[string]Sentence `json:"sentences" doc:"language tags to the words of the consent page"`
	// Resource is the resource (RFC 8707) that the details are for; empty for any. A request for a detail
	// of the type requests the resource too.
	Resource string `json:"resource,omitempty" doc:"the resource (RFC 8707) that the details are for; empty for any"`
	// Narrowing maps members, by their path, to the comparison by which a token request may narrow them.
	// Other members must be equal.
	Narrowing map[string]Comparison `json:"narrowing,omitempty" doc:"members, by their path, to how a token request may narrow them: subset or at_most"`
}

// Sentence holds the words for the details of a type in one language.
type Sentence struct {
	Title string `json:"title" doc:"heading of the detail"`
	// Text names members in braces, by their path, as in {instructedAmount.amount}. A part in brackets
	// appears only if all of its members are present.
	Text string `json:"text" doc:"sentence with members in braces; a part in brackets appears only if all of its members are present"`
	// Values maps a path to words for values, such as actions to {"read": "see"}.
	Values map[string]map[string]string `json:"values,omitempty" doc:"paths of members to words for their values"`
}

// Comparison is how the value of a member in a token request may differ from the granted one.
type Comparison string

// The comparisons.
const (
	Subset Comparison = "subset"  // a list with a part of the granted values
	AtMost Comparison = "at_most" // a decimal that is not negative and not greater than the granted one
)

// Comparisons returns all comparisons.
func Comparisons() []Comparison { return []Comparison{Subset, AtMost} }

// Bounds of a declaration.
const (
	maxName      = 255 // bytes
	maxSchema    = 16 << 10
	maxLanguages = 50
	maxTitle     = 128
	maxText      = 1024
	maxValues    = 200 // of a sentence
)

// IsName reports whether text can be the name of a type: printable ASCII without space, quotation mark
// and backslash.
func IsName(text string) bool {
	for _, c := range []byte(text) {
		if c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return text != "" && len(text) <= maxName
}

// Check returns an error if the declaration is invalid. Its text is printable ASCII.
func (t *Type) Check() error {
	switch {
	case !IsName(t.Name):
		return errors.New("name must be 1 to 255 printable ASCII characters without space, quotation mark and backslash")
	case !isResource(t.Resource):
		return errors.New("resource must be an absolute URI without a fragment")
	case len(t.Schema) > maxSchema:
		return errors.New("schema must be at most 16 KiB")
	case len(t.Sentences) == 0 || len(t.Sentences) > maxLanguages:
		return errors.New("sentences must hold one to 50 languages")
	}
	c, err := t.compile()
	if err != nil {
		return err
	}
	for _, path := range slices.Sorted(maps.Keys(t.Narrowing)) {
		if _, named := c.named[path]; !named {
			return errors.New("narrowing must hold only members that the sentences name")
		}
		if !slices.Contains(Comparisons(), t.Narrowing[path]) {
			return errors.New("narrowing must hold subset or at_most for each member")
		}
	}
	return nil
}

// isResource reports whether text is empty or a resource indicator.
//
// Spec: RFC 8707 §2.
func isResource(text string) bool {
	if text == "" {
		return true
	}
	u, err := url.Parse(text)
	return err == nil && u.IsAbs() && !strings.ContainsAny(text, "# ") && IsName(text)
}

// compiled is the compiled form of a type.
type compiled struct {
	schema    *jsonschema.Schema
	sentences map[string]*sentence
	languages []string        // sorted
	named     map[string]bool // paths that the sentences name; false for those that may be missing
}

// compile compiles the declaration. Its errors are those of [Type.Check].
func (t *Type) compile() (*compiled, error) {
	c := &compiled{sentences: map[string]*sentence{}, languages: slices.Sorted(maps.Keys(t.Sentences))}
	var err error
	if c.schema, err = compileSchema(t.Schema); err != nil {
		return nil, err
	}
	for _, tag := range c.languages {
		if parsed, err := language.Parse(tag); err != nil || parsed.String() != tag {
			return nil, errors.New("sentences must have language tags such as en or zh-Hans as names")
		}
		parsed, err := parseSentence(t.Sentences[tag])
		if err != nil {
			return nil, fmt.Errorf("the sentence in %s %w", tag, err)
		}
		if c.named != nil && !maps.Equal(c.named, parsed.named) {
			return nil, fmt.Errorf("the sentence in %s must name the same members as that in %s, and have the same ones in brackets", tag, c.languages[0])
		}
		c.sentences[tag], c.named = parsed, parsed.named
	}
	return c, nil
}

// compileSchema compiles a JSON schema. It loads no other document.
func compileSchema(raw json.RawMessage) (*jsonschema.Schema, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if _, isObject := document.(map[string]any); err != nil || !isObject {
		return nil, errors.New("schema must be a JSON object")
	}
	const address = "ostiary:///schema.json"
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})
	c.AssertFormat()
	if err := c.AddResource(address, document); err != nil {
		return nil, errors.New("schema is not a valid JSON schema")
	}
	compiled, err := c.Compile(address)
	if _, remote := errors.AsType[*jsonschema.LoadURLError](err); remote {
		return nil, errors.New("schema must not refer to other documents")
	}
	if err != nil {
		return nil, errors.New("schema is not a valid JSON schema" + at(err))
	}
	return compiled, nil
}

// noLoader loads no document.
type noLoader struct{}

// Load implements [jsonschema.URLLoader].
func (noLoader) Load(string) (any, error) { return nil, errors.New("no other document is read") }

// at returns the place of the first fault that a validation found, as " at /a/b", or "".
func at(err error) string {
	if of, ok := errors.AsType[*jsonschema.SchemaValidationError](err); ok {
		err = of.Err
	}
	fault, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return ""
	}
	for len(fault.Causes) > 0 {
		fault = fault.Causes[0]
	}
	place := "/" + strings.Join(fault.InstanceLocation, "/")
	if place == "/" || !IsName(place) {
		return ""
	}
	return " at " + place
}

// check returns an [InvalidError] unless the detail matches the schema and the sentence of each language
// shows all of it.
func (c *compiled) check(d Detail) error {
	if err := c.schema.Validate(d.members); err != nil {
		return invalid("an element of authorization_details does not match the schema of its type" + at(err))
	}
	_, err := c.words(d)
	return err
}

// words returns the detail in the languages of the type, by language tag. It returns an [InvalidError] if
// the words do not show all of the detail.
func (c *compiled) words(d Detail) (map[string]Words, error) {
	all := make(map[string]Words, len(c.languages))
	for _, tag := range c.languages {
		words, err := c.sentences[tag].render(d)
		if err != nil {
			return nil, err
		}
		words.Language, all[tag] = tag, words
	}
	return all, nil
}
