package detail

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/language"
)

// Words are a detail in one language.
type Words struct {
	Language string // a language tag
	Title    string
	Parts    []Part
}

// Part is a part of a sentence: words of the operator, or a value that the client chose.
type Part struct {
	Text  string
	Value bool
}

// maxValue is the maximum length of a value on a page, in characters.
const maxValue = 200

// sentence is a parsed [Sentence].
type sentence struct {
	title  string
	pieces []piece
	values map[string]map[string]string
	named  map[string]bool // path to whether it must be present
}

// piece is text, or the member with a path. Pieces with the same number other than 0 are in the same
// brackets.
type piece struct {
	text, path string
	brackets   int
}

// parseSentence returns an error that completes "the sentence".
func parseSentence(s Sentence) (*sentence, error) {
	parsed := &sentence{title: s.Title, values: s.Values, named: map[string]bool{}}
	if s.Title == "" || !readable(s.Title, maxTitle) {
		return nil, errors.New("must have a title of at most 128 bytes without control characters")
	}
	if s.Text == "" || !readable(s.Text, maxText) {
		return nil, errors.New("must have a text of at most 1024 bytes without control characters")
	}
	brackets, inside, rest := 0, false, s.Text
	for rest != "" {
		i := strings.IndexAny(rest, "{}[]")
		if i < 0 {
			i = len(rest)
		}
		current := 0
		if inside {
			current = brackets
		}
		if i > 0 {
			parsed.pieces = append(parsed.pieces, piece{text: rest[:i], brackets: current})
			rest = rest[i:]
			continue
		}
		switch {
		case rest[0] == '[' && !inside:
			inside, brackets, rest = true, brackets+1, rest[1:]
		case rest[0] == ']' && inside:
			inside, rest = false, rest[1:]
		case rest[0] == '{':
			path, after, ok := strings.Cut(rest[1:], "}")
			if !ok || !isPath(path) {
				return nil, errors.New("must name members in braces, such as {actions} or {amount.value}")
			}
			if must, known := parsed.named[path]; !known || !must {
				parsed.named[path] = !inside
			}
			parsed.pieces, rest = append(parsed.pieces, piece{path: path, brackets: current}), after
		default:
			return nil, errors.New("has a brace or bracket without its counterpart")
		}
	}
	if inside {
		return nil, errors.New("has a bracket without its counterpart")
	}
	return parsed, parsed.checkValues()
}

// checkValues returns an error that completes "the sentence".
func (s *sentence) checkValues() error {
	count := 0
	for path, words := range s.values {
		if _, ok := s.named[path]; !ok {
			return errors.New("must have values only for members that its text names")
		}
		for value, text := range words {
			if count++; count > maxValues || value == "" || text == "" || !readable(text, maxTitle) || !readable(value, maxName) {
				return errors.New("must have at most 200 values, each with words of at most 128 bytes")
			}
		}
	}
	return nil
}

// isPath reports whether text is a path: names of members with dots between them.
func isPath(text string) bool {
	return IsName(text) && !strings.ContainsAny(text, "{}[]") && text != "type" && !slices.Contains(strings.Split(text, "."), "")
}

// readable reports whether text has at most so many bytes and no characters that a page cannot show.
func readable(text string, most int) bool {
	return len(text) <= most && strings.TrimSpace(text) != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return !unicode.IsGraphic(r) || r == unicode.ReplacementChar
	})
}

// render returns the words for a detail. The error is an [InvalidError] if they do not show all of it.
func (s *sentence) render(d Detail) (Words, error) {
	values := map[string][]string{}
	for name, value := range d.members {
		if name == "type" {
			continue
		}
		if err := collect(values, "", name, value); err != nil {
			return Words{}, err
		}
	}
	for path := range values {
		if _, ok := s.named[path]; !ok {
			return Words{}, errNoWords("has a member that its type does not have")
		}
	}
	for path, must := range s.named {
		if _, ok := values[path]; must && !ok {
			return Words{}, errNoWords("lacks a member of its type")
		}
	}
	w, shown := Words{Title: s.title}, map[string]bool{}
	for _, p := range s.pieces {
		if !s.shows(p.brackets, values) {
			continue
		}
		if p.path == "" {
			w.Parts = append(w.Parts, Part{Text: p.text})
			continue
		}
		shown[p.path] = true
		for i, value := range values[p.path] {
			if i > 0 {
				w.Parts = append(w.Parts, Part{Text: ", "})
			}
			part, err := s.part(p.path, value)
			if err != nil {
				return Words{}, err
			}
			w.Parts = append(w.Parts, part)
		}
	}
	if len(shown) < len(values) { // a member in brackets with others that are missing
		return Words{}, errNoWords("has a member without others that belong to it")
	}
	return w, nil
}

// shows reports whether all members in the brackets are present.
func (s *sentence) shows(brackets int, values map[string][]string) bool {
	return brackets == 0 || !slices.ContainsFunc(s.pieces, func(p piece) bool {
		return p.brackets == brackets && p.path != "" && len(values[p.path]) == 0
	})
}

// part returns the words for a value, or the value itself.
func (s *sentence) part(path, value string) (Part, error) {
	if text, ok := s.values[path][value]; ok {
		return Part{Text: text}, nil
	}
	if value == boolean(true) || value == boolean(false) {
		return Part{}, errNoWords("has a boolean that its type has no words for")
	}
	if !isShown(value) {
		return Part{}, errNoWords("has a text that is empty, too long or has invisible characters")
	}
	return Part{Text: value, Value: true}, nil
}

// boolean returns the text for a bool.
func boolean(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// collect adds the values of a member of the object at a path. An empty list or object has no words.
func collect(values map[string][]string, path, name string, value any) error {
	if strings.Contains(name, ".") { // a path to another member
		return errNoWords("has a member that its type does not have")
	}
	return collectAt(values, join(path, name), value)
}

func collectAt(values map[string][]string, path string, value any) error {
	switch value := value.(type) {
	case string:
		values[path] = append(values[path], value)
	case json.Number:
		values[path] = append(values[path], value.String())
	case bool:
		values[path] = append(values[path], boolean(value))
	case []any:
		if len(value) == 0 {
			return errNoWords("has an empty list")
		}
		for _, item := range value {
			if err := collectAt(values, path, item); err != nil {
				return err
			}
		}
	case map[string]any:
		if len(value) == 0 {
			return errNoWords("has an empty object")
		}
		for _, name := range slices.Sorted(maps.Keys(value)) {
			if err := collect(values, path, name, value[name]); err != nil {
				return err
			}
		}
	}
	return nil
}

func errNoWords(fault string) error {
	return invalid("an element of authorization_details " + fault + ", and cannot be shown to the user")
}

// isShown reports whether a page shows all of a value that the client chose.
func isShown(text string) bool {
	count, marks := 0, 0
	previous := ' '
	for _, r := range text {
		if count++; count > maxValue || !unicode.IsGraphic(r) || isBlank(r) || unicode.IsSpace(r) && (r != ' ' || previous == ' ') {
			return false
		}
		if !unicode.IsMark(r) {
			marks = 0
		} else if marks++; marks > 2 {
			return false
		}
		previous = r
	}
	return previous != ' '
}

// isBlank reports whether r is a letter or symbol without a visible glyph.
func isBlank(r rune) bool {
	return strings.ContainsRune("\uFFFD\u115F\u1160\u2800\u3164\uFFA0\u034F", r)
}

// InLanguage returns the words in the language that is closest to tag, else those in English, else those
// in the first language.
func InLanguage(all map[string]Words, tag string) Words {
	names := slices.Sorted(maps.Keys(all))
	if len(names) == 0 {
		return Words{}
	}
	tags := make([]language.Tag, len(names))
	for i, name := range names {
		tags[i] = language.Make(name)
	}
	if _, i, confidence := language.NewMatcher(tags).Match(language.Make(tag)); confidence >= language.Low {
		return all[names[i]]
	}
	if words, ok := all["en"]; ok {
		return words
	}
	return all[names[0]]
}
