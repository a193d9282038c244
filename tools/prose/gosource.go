package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// goTexts returns the comments, visible strings and declared names of a Go file.
func goTexts(file, pkg, source string) ([]*text, error) {
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, file, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	g := &goFile{fset: fset, file: file, pkg: pkg}
	if ast.IsGenerated(parsed) {
		return nil, nil
	}
	for _, group := range parsed.Comments {
		g.comment(group)
	}
	isTest := strings.HasSuffix(file, "_test.go") || testPackage.MatchString(pkg+"/")
	ast.Inspect(parsed, func(node ast.Node) bool {
		g.declared(node)
		return isTest || g.literal(node)
	})
	return g.texts, nil
}

// testPackage matches directories of packages that only tests import.
var testPackage = regexp.MustCompile(`(^|/)(test|\w+test)/`)

type goFile struct {
	fset      *token.FileSet
	file, pkg string
	texts     []*text
}

func (g *goFile) add(at token.Pos, a area, content string) {
	g.texts = append(g.texts, &text{g.file, g.pkg, g.fset.Position(at).Line, a, content})
}

// comment adds a group of comments as one text, without directives.
func (g *goFile) comment(group *ast.CommentGroup) {
	var lines []string
	for _, c := range group.List {
		line := strings.TrimPrefix(c.Text, "//")
		if directive.MatchString(c.Text) {
			line = ""
		}
		_, reason, found := strings.Cut(line, "//")
		if found && strings.HasPrefix(line, "nolint") {
			line = reason
		}
		line = strings.TrimSuffix(strings.TrimPrefix(line, "/*"), "*/")
		lines = append(lines, strings.TrimPrefix(line, " "))
	}
	content := strings.Join(lines, "\n")
	g.add(group.Pos(), comments, blank(blank(content, indented), quoted))
}

var directive = regexp.MustCompile(`^//(go:|line |export |extern |#)`)

// declared adds the names that a node declares.
func (g *goFile) declared(node ast.Node) {
	var idents []*ast.Ident
	switch n := node.(type) {
	case *ast.FuncDecl:
		idents = []*ast.Ident{n.Name}
	case *ast.TypeSpec:
		idents = []*ast.Ident{n.Name}
	case *ast.ValueSpec:
		idents = n.Names
	case *ast.Field:
		idents = n.Names
	case *ast.AssignStmt:
		if n.Tok == token.DEFINE {
			for _, left := range n.Lhs {
				if ident, ok := left.(*ast.Ident); ok {
					idents = append(idents, ident)
				}
			}
		}
	}
	for _, ident := range idents {
		g.add(ident.Pos(), names, ident.Name)
	}
}

// literal adds strings that people see: those of at least two words that are not
// SQL, markup or a header. It reports whether the inspection should go deeper.
func (g *goFile) literal(node ast.Node) bool {
	switch n := node.(type) {
	case *ast.ImportSpec:
		return false
	case *ast.Field:
		if n.Tag != nil {
			g.tag(n.Tag)
		}
		return true
	case *ast.BinaryExpr:
		if n.Op != token.ADD {
			return true
		}
		content, isText := joined(n)
		if isText {
			g.visible(n.Pos(), content)
		}
		return !isText
	case *ast.BasicLit:
		if n.Kind == token.STRING && !strings.Contains(n.Value, `:"`) {
			if content, err := strconv.Unquote(n.Value); err == nil {
				g.visible(n.Pos(), content)
			}
		}
	}
	return true
}

// joined returns the text of literals joined by +, with X for other operands.
func joined(expr ast.Expr) (content string, isText bool) {
	switch e := expr.(type) {
	case *ast.BinaryExpr:
		left, leftText := joined(e.X)
		right, rightText := joined(e.Y)
		return left + right, leftText || rightText
	case *ast.BasicLit:
		if content, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return content, true
		}
	}
	return "X", false
}

func (g *goFile) tag(literal *ast.BasicLit) {
	tag, err := strconv.Unquote(literal.Value)
	if err != nil {
		return
	}
	for _, key := range []string{"help", "desc", "description", "placeholder", "doc"} {
		if content := reflect.StructTag(tag).Get(key); content != "" {
			g.add(literal.Pos(), visible, blank(content, quoted))
		}
	}
}

var (
	twoWords = regexp.MustCompile(`\pL[\pL'’-]*[,;:]?\s+\pL`)
	notProse = regexp.MustCompile(`^\s*(SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|ALTER|DROP|PRAGMA|EXPLAIN|COPY|ANALYZE|VACUUM|BEGIN|AND|OR|WHERE|FROM|SET|JOIN|VALUES)\b|` +
		`\b(FROM|WHERE|ORDER BY|RETURNING|ON CONFLICT)\b|</\w|="|-src |^\s*[{<#]|^[\w-]+(; | [\w-]+=)`)
)

func (g *goFile) visible(at token.Pos, content string) {
	if twoWords.MatchString(content) && !notProse.MatchString(content) {
		g.add(at, visible, blank(content, quoted))
	}
}
