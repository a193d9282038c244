package pages

import (
	"strings"
	"unicode"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

// Limits in characters for text from other parties: a name, a sentence, a host. The limit
// for a host is the maximum of DNS with a port: its end names the owner and must be visible.
const (
	nameRunes = 64
	lineRunes = 400
	hostRunes = 260
)

// Clean makes text from other parties safe to display: one line of at most limit characters,
// with an ellipsis for the rest.
//
// It removes controls, invalid bytes, format characters (bidirectional ones can reorder the
// surrounding words), invisible characters, and more than two stacked marks, which could
// cover the lines above.
func Clean(text string, limit int) string { return clean(text, limit, false) }

// cleanMessage is [Clean] for a message, whose isolates stay.
func cleanMessage(text string) string { return clean(text, lineRunes, true) }

func clean(text string, limit int, isolates bool) string {
	out := make([]rune, 0, limit+1)
	marks, space := 0, false
	for _, r := range text {
		if unicode.IsSpace(r) {
			space = len(out) > 0
			continue
		}
		isMark := isolates && (r == messages.IsolateStart || r == messages.IsolateEnd)
		if !isMark && (!unicode.IsGraphic(r) || blank(r)) {
			continue
		}
		if !unicode.IsMark(r) {
			marks = 0
		} else if marks++; marks > 2 {
			continue
		}
		if space {
			out, space = append(out, ' '), false
		}
		out = append(out, r)
		if len(out) > limit {
			return strings.TrimSpace(string(out[:limit-1])) + "…"
		}
	}
	return string(out)
}

// blank reports whether r is a letter or symbol without a visible glyph, which would make a
// name look empty.
func blank(r rune) bool {
	switch r {
	case unicode.ReplacementChar, '\u115F', '\u1160', '\u2800', '\u3164', '\uFFA0', '\u034F':
		return true
	}
	return false
}
