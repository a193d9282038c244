package pages

import (
	"strings"
	"unicode"
)

// What others make us show is bounded: a name, a sentence, a host. A host is
// never cut short of what DNS allows, port included: who it belongs to stands at
// its end.
const (
	nameRunes = 64
	lineRunes = 400
	hostRunes = 260
)

// Clean makes text of someone else's choosing fit to stand on a page: one line
// of at most limit characters, an ellipsis in place of the rest.
//
// It drops controls, invalid bytes and format characters (with the
// bidirectional ones, a name can reorder the words around it), characters that
// are drawn as nothing, and marks stacked more than two high, which can reach
// over the lines above.
func Clean(text string, limit int) string {
	clean := make([]rune, 0, limit+1)
	marks, space := 0, false
	for _, r := range text {
		if unicode.IsSpace(r) {
			space = len(clean) > 0
			continue
		}
		if !unicode.IsGraphic(r) || blank(r) {
			continue
		}
		if !unicode.IsMark(r) {
			marks = 0
		} else if marks++; marks > 2 {
			continue
		}
		if space {
			clean, space = append(clean, ' '), false
		}
		clean = append(clean, r)
		if len(clean) > limit {
			return strings.TrimSpace(string(clean[:limit-1])) + "…"
		}
	}
	return string(clean)
}

// blank reports whether r counts as a letter or symbol but is drawn as nothing,
// which would let a name look empty.
func blank(r rune) bool {
	switch r {
	case unicode.ReplacementChar, '\u115F', '\u1160', '\u2800', '\u3164', '\uFFA0', '\u034F':
		return true
	}
	return false
}
