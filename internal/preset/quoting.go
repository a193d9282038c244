package preset

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Formats returns the formats of snippets, sorted.
func Formats() []string { return slices.Sorted(maps.Keys(quoting())) }

// quoting returns, for each format, the function that writes any text as a value of it.
func quoting() map[string]func(string) string {
	return map[string]func(string) string{
		"env": quoteEnv, "shell": quoteShell,
		"ini": quoteINI, "properties": quoteProperties,
		"json": quoteJSON, "yaml": quoteJSON, "helm": quoteJSON, // a JSON string is a YAML string
		"hcl":  quoteHCL,
		"ruby": quoteSingle, "php": quoteSingle, "python": quoteSingle, "javascript": quoteSingle,
		"java": quoteJSON,
		"form": func(text string) string { return text },
	}
}

func quoteJSON(text string) string {
	var b strings.Builder
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	_ = out.Encode(text) // a string always has an encoding
	return strings.TrimSuffix(b.String(), "\n")
}

// quoteHCL also escapes the beginning of an interpolation.
func quoteHCL(text string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(quoteJSON(text))
}

// quoteSingle returns a string literal in single quotes, in which only the quote and the
// backslash are escaped.
func quoteSingle(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

// quoteShell returns a word of POSIX shells.
func quoteShell(text string) string {
	if plain(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// quoteEnv returns a value of an environment file that shells, systemd and Compose read alike:
// in single quotes, or in double quotes if it contains a single quote.
func quoteEnv(text string) string {
	switch {
	case plain(text):
		return text
	case !strings.Contains(text, "'"):
		return "'" + text + "'"
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(text) + `"`
}

// plain reports whether text needs no quotes in shells and environment files.
func plain(text string) bool {
	return text != "" && strings.IndexFunc(text, func(r rune) bool { return notPath(r) && !strings.ContainsRune(":@,+=", r) }) < 0
}

// quoteINI returns a value of an INI file in the syntax of Go's ini package, which Grafana and
// Gitea use.
func quoteINI(text string) string {
	switch {
	case strings.IndexFunc(text, func(r rune) bool { return notPath(r) && !strings.ContainsRune(":@,+= ", r) }) < 0 && strings.TrimSpace(text) == text:
		return text
	case !strings.Contains(text, "`"):
		return "`" + text + "`"
	}
	return `"""` + text + `"""`
}

// quoteProperties returns a value of a Java properties file.
func quoteProperties(text string) string {
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == '\\' || r == ' ' && i == 0:
			b.WriteString(`\` + string(r))
		case r < ' ' || r > '~':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
