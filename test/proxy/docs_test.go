//go:build e2e

package proxy

import (
	"os"
	"strings"
	"testing"
)

// documented returns the configuration for a proxy in docs/operations.md, and the lines
// that replace part of it for an issuer with a path.
func documented(t *testing.T, language string) (whole, forPath string) {
	t.Helper()
	blocks := documentedBlocks(t, language)
	return blocks[0], blocks[1]
}

// documentedBlocks returns the configurations for a proxy in docs/operations.md: the whole one, the
// lines for an issuer with a path, and the addition for client certificates.
func documentedBlocks(t *testing.T, language string) []string {
	t.Helper()
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for rest := string(text); ; {
		_, after, found := strings.Cut(rest, "```"+language+"\n")
		if !found {
			break
		}
		block, next, _ := strings.Cut(after, "```\n")
		blocks, rest = append(blocks, block), next
	}
	if len(blocks) != 3 {
		t.Fatalf("docs/operations.md has %d configurations for %s, want three", len(blocks), language)
	}
	return blocks
}

// edit replaces parts of a configuration, each of which must exist.
func edit(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("no %q in\n%s", pairs[i], text)
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}
