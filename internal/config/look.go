package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/theme"
)

// PageTheme returns the look of the pages.
func (c *Config) PageTheme() theme.Theme {
	t := c.Theme
	t.SupportAddress = c.SupportAddress
	return t
}

// languages accepts tags of languages with a catalogue, the default first.
func languages() kind[[]string] {
	known := append(messages.Tags(), messages.Pseudo)
	return kind[[]string]{
		allowed: strings.Join(known, ", ") + "; comma separated, the default first",
		parse: func(text string) ([]string, error) {
			tags := list(text)
			for i, tag := range tags {
				if !slices.Contains(known, tag) {
					return nil, fmt.Errorf("contains %q, which is not an allowed value", tag)
				}
				if slices.Contains(tags[:i], tag) {
					return nil, fmt.Errorf("contains %q twice", tag)
				}
			}
			if len(tags) == 0 {
				return messages.Tags(), nil
			}
			return tags, nil
		},
		write: func(tags []string) string { return strings.Join(tags, ",") },
	}
}

// shortText accepts a product name.
func shortText() kind[string] {
	return kind[string]{
		allowed: "a line of at most 64 characters",
		parse: func(text string) (string, error) {
			if (&theme.Theme{ProductName: text}).Check() != nil || strings.TrimSpace(text) == "" {
				return "", errors.New("is not a line of at most 64 characters")
			}
			return text, nil
		},
		write: func(text string) string { return text },
	}
}

// shortTextOrEmpty is shortText, or empty.
func shortTextOrEmpty() kind[string] {
	k := shortText()
	parse := k.parse
	k.parse = func(text string) (string, error) {
		if text == "" {
			return "", nil
		}
		return parse(text)
	}
	return k
}

func accent(dark bool) kind[string] {
	return kind[string]{
		allowed: "a colour as in #14594b",
		parse: func(text string) (string, error) {
			return strings.ToLower(text), theme.CheckAccent(strings.ToLower(text), dark)
		},
		write: func(text string) string { return text },
	}
}

func imageTypes() []string { return []string{".svg", ".png", ".webp", ".jpg", ".jpeg", ".gif", ".ico"} }

// fileOf accepts the path of a readable file with one of the extensions, or empty.
func fileOf(extensions ...string) kind[string] {
	file := readable()
	file.allowed = "the path of a readable file, " + strings.Join(extensions, ", ")
	parse := file.parse
	file.parse = func(path string) (string, error) {
		if path == "" {
			return "", nil
		}
		if !slices.Contains(extensions, strings.ToLower(filepath.Ext(path))) {
			return "", errors.New("has a name that does not end in " + strings.Join(extensions, ", "))
		}
		return parse(path)
	}
	return file
}

// footerLinks accepts links as text=URL.
func footerLinks() kind[[]theme.Link] {
	return kind[[]theme.Link]{
		allowed: "links as in Imprint=https://example.com/imprint, comma separated",
		parse: func(text string) ([]theme.Link, error) {
			var links []theme.Link
			for _, item := range list(text) {
				title, uri, _ := strings.Cut(item, "=")
				links = append(links, theme.Link{Text: strings.TrimSpace(title), URI: strings.TrimSpace(uri)})
			}
			return links, theme.CheckLinks(links)
		},
		write: func(links []theme.Link) string {
			items := make([]string, len(links))
			for i, link := range links {
				items[i] = link.Text + "=" + link.URI
			}
			return strings.Join(items, ",")
		},
	}
}
