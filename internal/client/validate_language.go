package client

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	maxLocalized = 100
	maxTag       = 35 // RFC 5646 section 4.4.1
)

// languages checks members with a language tag like their plain members.
//
// Spec: RFC 7591 §2.2, RFC 5646 §2.1.
func (c *checks) languages(m *Metadata) {
	if len(m.Localized) > maxLocalized {
		c.fail("client_name", fmt.Sprintf("and the others in languages may be %d together", maxLocalized))
		return
	}
	for _, name := range slices.Sorted(maps.Keys(m.Localized)) {
		base, tag, _ := strings.Cut(name, "#")
		text := m.Localized[name]
		switch {
		case !isLocalized(name) || !wellFormed(tag):
			c.fail(base, "must have a language tag after the number sign")
		case base == "client_name":
			if !shortText(text) {
				c.fail(base, notShort+" in every language")
			}
		default:
			if _, err := c.policy.link(text, true); err != nil {
				c.fail(base, err.Error()+" in every language")
			}
		}
	}
}

// wellFormed reports whether tag has the form of a language tag. It does not check its
// meaning.
func wellFormed(tag string) bool {
	if len(tag) > maxTag {
		return false
	}
	for i, subtag := range strings.Split(tag, "-") {
		odd := func(r rune) bool {
			letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
			return !letter && (i == 0 || r < '0' || r > '9')
		}
		if len(subtag) < 1 || len(subtag) > 8 || strings.IndexFunc(subtag, odd) >= 0 {
			return false
		}
	}
	return true
}
