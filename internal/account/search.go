package account

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Filter selects accounts. Empty members select all.
type Filter struct {
	// Text is a search: every word of it is the beginning of a word of the account, see
	// [Account.SearchWords], or all of it is the beginning of the subject.
	Text  string
	Group string
}

// Bounds of the words by which an account is found.
const (
	maxSearchWord   = 40 // characters; more are cut
	maxSearchWords  = 40 // of an account
	maxSearchTerms  = 8  // of a search
	maxSearchTitle  = 24 // characters
	firstDiacritic  = '\u0300'
	lastDiacritic   = '\u036F'
	apostrophes     = "'’ʼ"
	lettersInSearch = "ø o ł l đ d ð d þ th æ ae œ oe ı i"
)

// SearchWords returns the words by which an account is found, without duplicates: those of its
// claims name, given_name, middle_name, family_name and nickname, of its username and of its
// email addresses. A word is letters and digits, compatibility forms and cases folded, without
// accents. A name with apostrophes is also found without them, and a Chinese, Japanese or Korean
// one without the spaces in it.
//
// Spec: Unicode Standard §3.13, Annex #15.
func (a *Account) SearchWords() []string {
	var list []string
	add := func(words ...string) {
		for _, word := range words {
			if len(list) < maxSearchWords && !slices.Contains(list, word) {
				list = append(list, word)
			}
		}
	}
	for _, claim := range []string{"name", "given_name", "middle_name", "family_name", "nickname"} {
		text, _ := a.Claims[claim].(string)
		words := searchWords(text)
		add(words...)
		if strings.ContainsAny(text, apostrophes) {
			add(searchWords(strings.Map(withoutApostrophe, text))...)
		}
		if len(words) > 1 && !slices.ContainsFunc(words, isAlphabetic) {
			add(cutTo(maxSearchWord, strings.Join(words, "")))
		}
	}
	add(searchWords(a.Name())...)
	for _, one := range a.Addresses {
		add(searchWords(one.Address)...)
	}
	return list
}

// SearchTitle returns the text by which accounts with the same word are ordered: the beginning of
// the name or the username, folded.
func (a *Account) SearchTitle() string {
	title, _ := a.Claims["name"].(string)
	if title == "" {
		title = a.Name()
	}
	return cutTo(maxSearchTitle, strings.Join(searchWords(title), " "))
}

// SearchTerms returns the words of a search, at most eight. An account matches if each of them is
// the beginning of one of its words.
func SearchTerms(text string) []string {
	words := searchWords(text)
	terms := slices.DeleteFunc(slices.Clone(words), func(term string) bool {
		return slices.ContainsFunc(words, func(word string) bool { return word != term && strings.HasPrefix(word, term) })
	})
	return terms[:min(len(terms), maxSearchTerms)]
}

// searchWords returns the words of a text, folded, without duplicates.
func searchWords(text string) []string {
	folded := cases.Fold().String(norm.NFKD.String(strings.ToValidUTF8(text, " ")))
	folded = norm.NFKC.String(strings.Map(withoutDiacritic, folded))
	folded = strings.NewReplacer(strings.Fields(lettersInSearch)...).Replace(folded)
	var words []string
	for word := range strings.FieldsFuncSeq(folded, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsNumber(r)
	}) {
		if word = cutTo(maxSearchWord, word); !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words
}

// withoutDiacritic removes the accents of Latin, Greek and Cyrillic letters, and characters that
// are not visible.
func withoutDiacritic(r rune) rune {
	if r >= firstDiacritic && r <= lastDiacritic || unicode.Is(unicode.Cf, r) {
		return -1
	}
	return r
}

func withoutApostrophe(r rune) rune {
	if strings.ContainsRune(apostrophes, r) {
		return -1
	}
	return r
}

// isAlphabetic reports whether a word is in a script that separates words by spaces.
func isAlphabetic(word string) bool {
	return !strings.ContainsFunc(word, func(r rune) bool {
		return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul)
	})
}

// cutTo returns the first n characters of a text.
func cutTo(n int, text string) string {
	count := 0
	for i := range text {
		if count == n {
			return text[:i]
		}
		count++
	}
	return text
}

// Matches reports whether text occurs, in any case, in the username, a name, the email
// address or the telephone number of the account. A subject must match completely.
func (a *Account) Matches(text string) bool {
	text = strings.ToLower(text)
	if a.Subject == text || strings.Contains(strings.ToLower(a.Name()), text) {
		return true
	}
	for _, claim := range []string{
		"name", "given_name", "middle_name", "family_name", "nickname", "preferred_username", "email", "phone_number",
	} {
		if value, ok := a.Claims[claim].(string); ok && strings.Contains(strings.ToLower(value), text) {
			return true
		}
	}
	return false
}
