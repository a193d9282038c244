package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// readFile reads a YAML file: one mapping of keys to scalars or lists of scalars.
func readFile(path string) ([]setting, []Fault) {
	whole := func(problem string) []Fault { return []Fault{{Key: path, Problem: problem}} }

	data, err := readAtMost(path, 1<<20)
	if err != nil {
		return nil, whole(err.Error())
	}
	file, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, []Fault{syntaxFault(path, err)}
	}
	var members []*ast.MappingValueNode
	for i, doc := range file.Docs {
		switch body := doc.Body.(type) {
		case nil, *ast.CommentGroupNode, *ast.NullNode:
		case *ast.MappingNode:
			members = append(members, body.Values...)
		default:
			return nil, whole("is not a mapping of keys to values")
		}
		if i > 0 && len(members) > 0 {
			return nil, whole("contains more than one document")
		}
	}
	return fromMembers(path, members)
}

func fromMembers(path string, members []*ast.MappingValueNode) (settings []setting, faults []Fault) {
	for _, m := range members {
		at := m.Key.GetToken()
		s := setting{name: at.Value, shown: at.Value, source: fmt.Sprintf("%s:%d", path, at.Position.Line)}
		var ok bool
		if s.value, ok = valueText(m.Value); !ok {
			faults = append(faults, Fault{Key: s.shown, Source: s.source, Problem: "must be a single value or a list of values without commas"})
			continue
		}
		settings = append(settings, s)
	}
	return settings, faults
}

// valueText returns the source text of a scalar, or of a list joined by commas. It does not
// use the values that YAML assigns to `on` or `1_000`: keys parse text.
func valueText(node ast.Node) (string, bool) {
	switch node := node.(type) {
	case nil, *ast.NullNode:
		return "", true
	case *ast.SequenceNode:
		var items []string
		for _, value := range node.Values {
			item, ok := scalarText(value)
			if !ok || strings.Contains(item, ",") {
				return "", false
			}
			items = append(items, item)
		}
		return strings.Join(items, ","), true
	default:
		return scalarText(node)
	}
}

func scalarText(node ast.Node) (string, bool) {
	switch node := node.(type) {
	case *ast.StringNode:
		return node.Value, true
	case *ast.LiteralNode:
		return strings.TrimRight(node.Value.Value, "\n"), true
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode:
		return node.GetToken().Value, true
	default:
		return "", false
	}
}

// syntaxFault returns a fault without the text that the parser quotes from the file,
// because it can be a secret.
func syntaxFault(path string, err error) Fault {
	fault := Fault{Key: path, Problem: "is not YAML"}
	if at, ok := errors.AsType[yaml.Error](err); ok {
		if token := at.GetToken(); token != nil && token.Position != nil {
			fault.Key = fmt.Sprintf("%s:%d", path, token.Position.Line)
		}
		reason, _, _ := strings.Cut(at.GetMessage(), `"`)
		fault.Problem += ": " + strings.TrimSpace(reason)
	}
	return fault
}
