package mail

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Templates are the operator's texts, by kind and language. The nil map is empty.
type Templates map[templateName]template

// templateName identifies a template. An empty language is for all languages.
type templateName struct {
	kind     Kind
	language string
}

// template is a text with arguments in braces.
type template struct{ subject, body string }

const subjectPrefix = "Subject: "

var argument = regexp.MustCompile(`\{([a-z]+)\}`)

// LoadTemplates reads the templates in a folder: KIND.txt for all languages, KIND.LANGUAGE.txt
// for one. The first line is "Subject: ...", the second is empty, the others are the body.
// {link}, {service} and the like are arguments. It returns all errors together.
func LoadTemplates(folder string) (Templates, error) {
	if folder == "" {
		return nil, nil
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("read mail_templates: %w", err)
	}
	templates := Templates{}
	var faults []error
	for _, file := range files {
		if file.IsDir() || strings.HasPrefix(file.Name(), ".") {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(folder, file.Name())) //nolint:gosec // a folder of the operator
		if err != nil {
			return nil, fmt.Errorf("read mail_templates: %w", err)
		}
		name, parsed, err := parseTemplate(file.Name(), string(raw))
		if err != nil {
			faults = append(faults, fmt.Errorf("mail_templates: %s: %w", filepath.Join(folder, file.Name()), err))
			continue
		}
		templates[name] = parsed
	}
	return templates, errors.Join(faults...)
}

func parseTemplate(file, raw string) (templateName, template, error) {
	base, isText := strings.CutSuffix(file, ".txt")
	kind, language, _ := strings.Cut(base, ".")
	name := templateName{Kind(kind), strings.ToLower(language)}
	if !isText || !slices.Contains(Kinds(), name.kind) {
		return name, template{}, fmt.Errorf("name it KIND.txt or KIND.LANGUAGE.txt, where KIND is one of %v", Kinds())
	}
	head, body, found := strings.Cut(strings.ReplaceAll(raw, "\r\n", "\n"), "\n\n")
	subject, hasSubject := strings.CutPrefix(head, subjectPrefix)
	if !found || !hasSubject || strings.Contains(subject, "\n") || strings.TrimSpace(body) == "" {
		return name, template{}, errors.New(`begin with the line "Subject: ..." and an empty line, followed by the text`)
	}
	for _, m := range argument.FindAllStringSubmatch(raw, -1) {
		if !slices.Contains(arguments(), m[1]) {
			return name, template{}, fmt.Errorf("unknown argument %s; the arguments are %v", m[0], arguments())
		}
	}
	for secret, has := range map[string]bool{"{link}": name.kind.HasLink(), "{code}": name.kind == SignInCode} {
		switch inBody := strings.Contains(body, secret); {
		case secret == "{link}" && name.kind.MayHaveLink() && !strings.Contains(subject, secret):
		case has && !inBody:
			return name, template{}, errors.New("the text lacks " + secret)
		case !has && inBody || strings.Contains(subject, secret):
			return name, template{}, errors.New(secret + " is allowed only in the text of messages that have one")
		}
	}
	return name, template{strings.TrimSpace(subject), body}, nil
}

// find returns the template of a kind for a language tag, for its base language, or for all.
func (t Templates) find(kind Kind, language string) (template, bool) {
	for tag := strings.ToLower(language); ; {
		if found, ok := t[templateName{kind, tag}]; ok {
			return found, true
		}
		if tag == "" {
			return template{}, false
		}
		tag = tag[:max(strings.LastIndexByte(tag, '-'), 0)]
	}
}

// fill replaces the arguments.
func (t template) fill(values map[string]string) text {
	replace := func(s string) string {
		return argument.ReplaceAllStringFunc(s, func(arg string) string { return values[strings.Trim(arg, "{}")] })
	}
	return text{oneLine(replace(t.subject)), replace(t.body)}
}
