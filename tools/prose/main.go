// Command prose counts words and constructions that make the text of this
// repository hard to read: archaic words, metaphors where the field has a term,
// relative clauses as subjects. rules.txt lists them with plain alternatives.
//
//	go -C tools run ./prose            # summary; exit status 1 above the budget
//	go -C tools run ./prose -list      # every place
//	go -C tools run ./prose -over      # nothing unless it exceeds the budget
//	go -C tools run ./prose -list ../internal/oauth2 ../docs
//
// It reads comments, identifiers, string literals that people see, HTML
// templates and Markdown. Paths are relative to the working directory; the
// default is the whole repository.
package main

import (
	_ "embed"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

//go:embed rules.txt
var rulesText string

func main() {
	ok, err := run(os.Args[1:], os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "prose:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

// run reports whether the text below the paths of args keeps within the budget.
func run(args []string, stdout io.Writer) (bool, error) {
	flags := flag.NewFlagSet("prose", flag.ContinueOnError)
	list := flags.Bool("list", false, "list every hit as file:line: rule: excerpt (plain words)")
	words := flags.Bool("words", false, "count hits by rule")
	over := flags.Bool("over", false, "print nothing if the text is within the budget")
	pkg := flags.String("package", "", "report only the package in this `directory`, and those below it")
	if err := flags.Parse(args); err != nil {
		return false, err
	}
	paths := flags.Args()
	if len(paths) == 0 {
		paths = []string{".."}
	}
	rules, err := parseRules(rulesText)
	if err != nil {
		return false, err
	}
	texts, err := readAll(paths)
	if err != nil {
		return false, err
	}
	report := rules.check(inPackage(texts, *pkg))
	if *over && report.ok() {
		return true, nil
	}
	var out strings.Builder
	if *list {
		report.list(&out)
	}
	if *words {
		report.byRule(&out)
	}
	report.summary(&out)
	_, err = io.WriteString(stdout, out.String())
	return report.ok(), err
}
