package cli

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/cli.md anew")

const (
	reference = "../../docs/cli.md"

	referenceHead = `# Commands

<!-- Written by the tests of internal/cli: go test ./internal/cli -run Reference -update -->

` + "`ostiary COMMAND --help` says the same in a terminal. In a checkout, `go run ./cmd/server` stands for `ostiary`." + `

Settings come from [a file, the environment or --set](configuration.md). Commands that work on the database need
` + "`database_url`, those on keys `system_secrets` as well; the server may be running meanwhile." + `

- A command prints a table, and with ` + "`--format`" + ` JSON or YAML: lists are arrays, times RFC 3339 in UTC. No hash is ever
  printed, and a secret only when it was just made.
- What it did goes to the standard output, all else to the standard error.
- The exit code is 0, or 1 if the work could not be done, or 2 if the command line makes no sense.
- A command does all of its work or, with every fault named, none of it.
- ` + "`--` goes before an ID that begins with a dash, as in `ostiary clients get -- -Xy3`." + `
`

	referenceTail = `
## Files to import

An import adds what is new and changes what differs; what the file does not name stays. Importing the same file again
changes nothing. A client's metadata becomes what its entry says, but it keeps its secret if the entry brings none; a
person keeps password, claims and rights of which the entry says nothing.

` + "`clients import` takes an array of client metadata under the names of RFC 7591 (or an object whose member `clients` is one, or one client)." + `
An entry may hold ` + "`client_id` and `client_secret`" + `. A secret that is needed and in no place yet is made and printed. An entry
without ` + "`client_id` is known by its `client_name`, `redirect_uris` and `software_id`" + `, and gets an ID computed from them.

` + "```json" + `
[
  {
    "client_id": "shop",
    "client_secret": "a-long-random-text",
    "client_name": "The Shop",
    "redirect_uris": ["https://shop.example.com/callback"],
    "grant_types": ["authorization_code", "refresh_token"]
  }
]
` + "```" + `

` + "`users import` takes an array of people (or an object whose member `users` is one). A new user needs" + `
a password or a password_hash: argon2id or PBKDF2 in PHC form ($argon2id$v=19$..., $pbkdf2-sha256$i=..., $pbkdf2-sha512$i=...) or bcrypt
($2a$, $2b$, $2y$). The server replaces a hash that is weaker than configured when the user next signs in; importing the old one again
changes nothing. A password that differs from the present one ends the user's sessions and grants. Standard claims are checked
against OpenID Connect Core section 5.1; others reach applications through [scopes](scopes.md), and the import names those that no scope releases.

` + "```json" + `
[
  {
    "username": "ada",
    "password": "correct horse battery staple",
    "claims": {"name": "Ada Lovelace", "email": "ada@example.com", "email_verified": true},
    "administrator": true
  }
]
` + "```" + `
`
)

func TestReferenceIsCurrent(t *testing.T) {
	t.Parallel()

	want := referenceText(t)
	if *update {
		if err := os.WriteFile(reference, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/cli.md is not what `go test ./internal/cli -run Reference -update` writes (-want +got):\n%s", diff)
	}
}

func model(t *testing.T) *kong.Application {
	t.Helper()
	parser, err := kong.New(&commandLine{}, kong.Name("ostiary"))
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model
}

func TestReferenceDescribesEverythingInSentences(t *testing.T) {
	t.Parallel()

	for _, command := range model(t).Leaves(true) {
		if !strings.HasSuffix(command.Help, ".") {
			t.Errorf("%s is described by %q, which is no sentence", command.FullPath(), command.Help)
		}
		for _, value := range command.Values() {
			if !strings.HasSuffix(value.Help, ".") {
				t.Errorf("%s %s is described by %q, which is no sentence", command.FullPath(), value.Name, value.Help)
			}
		}
	}
}

func referenceText(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(referenceHead)
	app := model(t)
	b.WriteString("\nEvery command takes:\n\n")
	for _, flag := range app.Flags {
		if flag.Name != "help" {
			describe(&b, flag)
		}
	}
	for _, command := range app.Leaves(true) {
		fmt.Fprintf(&b, "\n## %s", strings.TrimPrefix(command.FullPath(), "ostiary "))
		for _, argument := range command.Positional {
			fmt.Fprintf(&b, " %s", strings.ToUpper(argument.Name))
			if argument.IsCumulative() {
				b.WriteString("...")
			}
		}
		fmt.Fprintf(&b, "\n\n%s\n", command.Help)
		if len(command.Values()) > 0 {
			b.WriteString("\n")
		}
		for _, argument := range command.Positional {
			fmt.Fprintf(&b, "- `%s` %s\n", strings.ToUpper(argument.Name), argument.Help)
		}
		for _, flag := range command.Flags {
			describe(&b, flag)
		}
	}
	b.WriteString(referenceTail)
	return b.String()
}

func describe(b *strings.Builder, flag *kong.Flag) {
	name := "--" + flag.Name
	switch {
	case flag.Tag.Negatable != "":
		name = "--[no-]" + flag.Name
	case !flag.IsBool():
		name += " " + flag.PlaceHolder
	}
	if flag.Short != 0 {
		name = fmt.Sprintf("-%c`, `%s", flag.Short, name)
	}
	fmt.Fprintf(b, "- `%s` %s", name, flag.Help)
	if flag.HasDefault && flag.Default != "" && !flag.IsBool() && !strings.Contains(flag.Help, flag.Default) {
		fmt.Fprintf(b, " Default: `%s`.", flag.Default)
	}
	b.WriteString("\n")
}
