package refusal

import (
	"net/url"
	"strings"
)

// Difference is the first part in which two URLs differ.
type Difference string

// Values of [Difference], in their order.
const (
	SameURL         Difference = ""
	DifferentCase   Difference = "letter case"
	DifferentEnd    Difference = "last character" // one URL is the other with one more
	DifferentScheme Difference = "scheme"
	DifferentHost   Difference = "host"
	DifferentPort   Difference = "port"
	DifferentPath   Difference = "path"
	DifferentQuery  Difference = "query"
	DifferentURL    Difference = "address" // one of them cannot be parsed
)

// Closest returns the URL of a list, separated by spaces, with the longest common beginning with sent;
// empty for an empty list.
func Closest(sent, list string) string {
	best, length := "", -1
	for one := range strings.FieldsSeq(list) {
		n := 0
		for n < min(len(one), len(sent)) && one[n] == sent[n] {
			n++
		}
		if n > length {
			best, length = one, n
		}
	}
	return best
}

// Differ returns the part in which two URLs differ, and the character if it is one at the end.
func Differ(sent, registered string) (d Difference, character string) {
	long, short := sent, registered
	if len(long) < len(short) {
		long, short = short, long
	}
	switch {
	case sent == registered:
		return SameURL, ""
	case len(long) == len(short)+1 && strings.HasPrefix(long, short):
		return DifferentEnd, long[len(short):]
	case strings.EqualFold(sent, registered):
		return DifferentCase, ""
	}
	a, errA := url.Parse(sent)
	b, errB := url.Parse(registered)
	switch {
	case errA != nil || errB != nil:
		return DifferentURL, ""
	case a.Scheme != b.Scheme:
		return DifferentScheme, ""
	case a.Hostname() != b.Hostname() || a.User.String() != b.User.String():
		return DifferentHost, ""
	case a.Port() != b.Port():
		return DifferentPort, ""
	case a.EscapedPath() != b.EscapedPath() || a.Opaque != b.Opaque:
		return DifferentPath, ""
	default:
		return DifferentQuery, ""
	}
}
