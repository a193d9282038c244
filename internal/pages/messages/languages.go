package messages

import (
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// English is the language of the catalogue that is always complete. Pseudo is a language
// for tests and for the development of pages: English in Hebrew letters, from right to left,
// so that text that is not in the catalogue stands out.
const (
	English = "en"
	Pseudo  = "he-XB"
)

// Language is a language of the pages.
type Language struct {
	Tag string // BCP 47
	// Name is the name of the language in itself.
	Name string
	// Direction is the direction of its script, ltr or rtl.
	Direction string
}

// Languages returns the languages with a catalogue, English first.
func Languages() []Language {
	return []Language{
		{English, "English", "ltr"},
		{"de", "Deutsch", "ltr"},
		{"es", "Español", "ltr"},
		{"fr", "Français", "ltr"},
		{"ja", "日本語", "ltr"},
		{"zh-Hans", "简体中文", "ltr"},
	}
}

// Tags returns the tags of [Languages].
func Tags() []string {
	var tags []string
	for _, l := range Languages() {
		tags = append(tags, l.Tag)
	}
	return tags
}

// find returns the language with a tag.
func find(tag string) (Language, bool) {
	known := append(Languages(), Language{Pseudo, transliterate("Pseudo"), "rtl"})
	i := slices.IndexFunc(known, func(l Language) bool { return l.Tag == tag })
	if i < 0 {
		return Language{}, false
	}
	return known[i], true
}

// loadPseudo returns the English catalogue with every letter replaced.
func loadPseudo(known Language) (*Catalogue, error) {
	english, err := Load(English)
	if err != nil {
		return nil, err
	}
	c := &Catalogue{Language: known, tag: language.English, texts: make(map[string]text, len(english.texts))}
	for key, t := range english.texts {
		var changed text
		for category, parts := range t {
			changed[category] = slices.Clone(parts)
			for i := range changed[category] {
				changed[category][i].literal = transliterate(changed[category][i].literal)
			}
		}
		c.texts[key] = changed
	}
	return c, nil
}

// transliterate replaces Latin letters by Hebrew ones.
func transliterate(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return 'א' + r - 'a' // the letters of both alphabets, with final forms, are about as many
		case r >= 'A' && r <= 'Z':
			return 'א' + r - 'A'
		default:
			return r
		}
	}, text)
}
