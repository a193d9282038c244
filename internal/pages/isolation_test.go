package pages

import (
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Text of others that is written from right to left does not reorder the words around it: it is in an
// element of its own direction, between isolates, or alone in its element.
func TestTextOfOthersIsIsolated(t *testing.T) {
	t.Parallel()

	const name = "שלום (123)"
	for _, s := range samples() {
		t.Run(s.page, func(t *testing.T) {
			t.Parallel()

			_, doc := open(t, func(p *Pages, w http.ResponseWriter) { s.write(p, w, name, "https://acme.example/") })
			for n := range doc.Descendants() {
				if n.Type == html.TextNode && strings.Contains(n.Data, "שלום") && !isIsolated(n) {
					t.Errorf("<%s> shows %q", n.Parent.Data, strings.TrimSpace(n.Data))
				}
			}
		})
	}
}

// isIsolated reports whether the text of a node cannot reorder other text.
func isIsolated(n *html.Node) bool {
	for parent := n.Parent; parent != nil; parent = parent.Parent {
		switch parent.Data {
		case "bdi", "textarea", "option", "title":
			return true
		case "span":
			if value(parent, "class") == "hidden" || value(parent, "lang") == "en" {
				return true // for screen readers, or a fixed text
			}
		}
	}
	rest := strings.TrimSpace(strings.ReplaceAll(n.Data, "שלום (123)", ""))
	return n.PrevSibling == nil && n.NextSibling == nil && rest == "" ||
		strings.Count(n.Data, "\u2068שלום (123)\u2069") == strings.Count(n.Data, "שלום")
}
