package contract

import (
	"fmt"
	"go/ast"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// TestCommands holds every command, argument and flag with its type, default, variable,
// choices and every other tag that is not a sentence. It reads the tags of the structures
// that kong parses.
func TestCommands(t *testing.T) {
	t.Parallel()

	c := commands{types: map[typeName]declaredType{}}
	for _, f := range source(t) {
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				c.types[typeName{f.dir, spec.Name.Name}] = declaredType{f, spec.Type}
			}
			return true
		})
	}
	roots := c.roots()
	if len(roots) != 1 {
		t.Fatalf("%d structures hold commands and are not commands themselves, want one: %v", len(roots), roots)
	}
	c.walk(t, roots[0], "ostiary", "")
	golden(t, "commands.txt", lines(t, 300, c.found))
}

type typeName struct{ dir, name string }

type declaredType struct {
	in   sourceFile
	expr ast.Expr
}

type commands struct {
	types map[typeName]declaredType
	found []string
}

// roots returns the structures that have commands and that no structure has as a command.
func (c *commands) roots() []typeName {
	var holders []typeName
	inner := map[typeName]bool{}
	for name, declared := range c.types {
		structure, ok := declared.expr.(*ast.StructType)
		if !ok {
			continue
		}
		for _, f := range structure.Fields.List {
			tag := tagOf(f)
			if _, ok := tag.Lookup("cmd"); ok {
				holders = append(holders, name)
			}
			if child, ok := c.resolve(declared.in, f.Type); ok {
				inner[child] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Compact(holders), func(n typeName) bool { return inner[n] })
}

func tagOf(f *ast.Field) reflect.StructTag {
	if f.Tag == nil {
		return ""
	}
	value, _ := strconv.Unquote(f.Tag.Value)
	return reflect.StructTag(value)
}

// resolve returns the declaration in this module that a type names.
func (c *commands) resolve(f sourceFile, e ast.Expr) (typeName, bool) {
	var name typeName
	switch e := e.(type) {
	case *ast.Ident:
		name = typeName{f.dir, e.Name}
	case *ast.StarExpr:
		return c.resolve(f, e.X)
	case *ast.SelectorExpr:
		pkg, ok := e.X.(*ast.Ident)
		if !ok {
			return name, false
		}
		name = typeName{f.imports[pkg.Name], e.Sel.Name}
	default:
		return name, false
	}
	_, ok := c.types[name]
	return name, ok
}

// kind returns a type without the names of this module.
func (c *commands) kind(f sourceFile, e ast.Expr) string {
	if name, ok := c.resolve(f, e); ok {
		declared := c.types[name]
		return c.kind(declared.in, declared.expr)
	}
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return "*" + c.kind(f, e.X)
	case *ast.ArrayType:
		return "[]" + c.kind(f, e.Elt)
	case *ast.MapType:
		return "map[" + c.kind(f, e.Key) + "]" + c.kind(f, e.Value)
	case *ast.SelectorExpr:
		return c.kind(f, e.X) + "." + e.Sel.Name
	case *ast.StructType:
		return "struct"
	default:
		return fmt.Sprintf("%T", e)
	}
}

// walk lists what a structure makes of a command.
func (c *commands) walk(t *testing.T, name typeName, command, prefix string) {
	t.Helper()
	declared := c.types[name]
	structure, ok := declared.expr.(*ast.StructType)
	if !ok {
		t.Fatalf("%v is not a structure", name)
	}
	for _, f := range structure.Fields.List {
		tag := tagOf(f)
		if tag.Get("kong") == "-" {
			continue
		}
		_, embed := tag.Lookup("embed")
		if len(f.Names) == 0 || embed {
			child, ok := c.resolve(declared.in, f.Type)
			if !ok {
				t.Fatalf("%v embeds a structure of another module", name)
			}
			c.walk(t, child, command, prefix+tag.Get("prefix"))
			continue
		}
		for _, field := range f.Names {
			if !field.IsExported() {
				continue
			}
			word := tag.Get("name")
			if word == "" {
				word = kebab(field.Name)
			}
			if _, ok := tag.Lookup("cmd"); ok {
				child, known := c.resolve(declared.in, f.Type)
				if !known {
					t.Fatalf("%v has the command %s without a structure", name, word)
				}
				line := command + " " + word
				c.found = append(c.found, line+attributes(tag))
				c.walk(t, child, line, prefix)
				continue
			}
			written := " --" + prefix + word
			if _, ok := tag.Lookup("arg"); ok {
				written = " <" + word + ">"
			}
			c.found = append(c.found, command+written+" "+c.kind(declared.in, f.Type)+attributes(tag))
		}
	}
}

// attributes returns the tags that are names or values.
func attributes(tag reflect.StructTag) string {
	var all []string
	for rest := string(tag); rest != ""; {
		name, after, ok := strings.Cut(strings.TrimLeft(rest, " "), ":")
		if !ok {
			break
		}
		quoted, err := strconv.QuotedPrefix(after)
		if err != nil {
			break
		}
		rest = after[len(quoted):]
		switch name {
		case "help", "placeholder", "cmd", "arg", "name", "predictor", "group", "embed", "prefix":
		default:
			all = append(all, " "+name+"="+quoted)
		}
	}
	slices.Sort(all)
	return strings.Join(all, "")
}

// kebab writes a field's name as kong does.
func kebab(name string) string {
	var words []rune
	runes := []rune(name)
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			words = append(words, '-')
		}
		words = append(words, unicode.ToLower(r))
	}
	return string(words)
}

// TestVariables holds every environment variable that the source reads, in addition to
// those of the settings and flags. Variables of tests are not part of it.
func TestVariables(t *testing.T) {
	t.Parallel()

	variable := func(s string) bool {
		return len(s) > len("OSTIARY_") && strings.HasPrefix(s, "OSTIARY_") && !strings.HasPrefix(s, "OSTIARY_TEST_") && strings.ToUpper(s) == s && path.Base(s) == s && !strings.ContainsAny(s, " \n")
	}
	all := literals(t, variable)
	calls(t, func(name string, call *ast.CallExpr) {
		if (name == "Getenv" || name == "LookupEnv") && len(call.Args) == 1 {
			if value, ok := text(call.Args[0]); ok && !strings.HasPrefix(value, "OSTIARY_TEST_") {
				all = append(all, value)
			}
		}
	})
	golden(t, "variables.txt", lines(t, 0, all))
}
