package cli_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/cli"
)

var update = flag.Bool("update", false, "write docs/cli.md")

const (
	reference = "../../docs/cli.md"

	referenceHead = `# Commands

<!-- Generated: go test ./internal/cli -run Reference -update -->

` + "`ostiary COMMAND --help` prints the same in a terminal. In a checkout, use `go run ./cmd/server` instead of `ostiary`." + `

Settings are read from [a file, the environment or --set](configuration.md). Commands that use the database need
` + "`database_url`, and commands for keys also `system_secrets`. The server may be running." + `

- A command prints a table, or JSON or YAML with ` + "`--format`" + `: lists are arrays, times are RFC 3339 in UTC. Hashes are never
  printed, and secrets only when they are created.
- Results are written to standard output, and all other messages to standard error.
- The exit code is 0 for success, 1 if the command failed, and 2 if the command line is invalid.
- A command either succeeds completely, or lists all errors and changes nothing.
- ` + "Write `--` before an ID that begins with a dash, as in `ostiary clients get -- -Xy3`." + `
`

	referenceTail = `
## Files to import

An import creates new objects and updates existing ones; objects that are not in the file are unchanged. Importing the same file again
changes nothing. A client is replaced by its entry, but keeps its secret if the entry does not contain one. A user keeps the password, claims and rights
that the entry omits.

` + "`clients import` reads an array of client metadata with the names of RFC 7591 (or an object with such an array in `clients`, or one client)." + `
An entry may have ` + "`client_id` and `client_secret`" + `. A required secret that does not exist is generated and printed. An entry
without ` + "`client_id` is identified by its `client_name`, `redirect_uris` and `software_id`" + `, and receives an ID that is derived from them.

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

` + "`users import` reads an array of users (or an object with such an array in `users`). A new user needs" + `
a password or a password_hash: argon2 or PBKDF2 in PHC form ($argon2id$v=19$..., $argon2i$v=19$..., $pbkdf2-sha256$i=..., $pbkdf2-sha512$i=...) or bcrypt
($2a$, $2b$, $2y$), or a hash of Django (pbkdf2_sha256$...), scrypt ($scrypt$ln=15,r=8,p=1$salt$hash) or Firebase ($firescrypt$ln=14,r=8,p=1$salt$hash$separator$signer). The server replaces a hash that is weaker than configured when the user next signs in; importing the old one again
changes nothing. A password that differs from the current one ends the user's sessions and grants. The optional members ` + "`emails`" + `,
` + "`groups`, `roles`, `attributes`, `state` (active, must_change_password, must_enrol) and `admin_role`" + ` (owner, administrator, support, auditor; ` + "`administrator`" + ` true is a name of owner) replace those of the
account. Groups that do not exist are created, [attributes](scopes.md#attributes) that do not exist are rejected, and an address is verified for at most one account. ` + "`claims.email`" + ` is the primary
address; an entry without an address keeps the addresses. A new user gets the ` + "`subject`" + ` of the entry. ` + "`users export`" + ` writes this form, and is an event in the audit
log. ` + "`--dry-run`" + ` prints the result of an import and changes nothing. Standard claims are checked
against OpenID Connect Core section 5.1; [scopes](scopes.md) release all other claims, and the import lists claims that no scope releases.

` + "```json" + `
[
  {
    "username": "ada",
    "password": "correct horse battery staple",
    "emails": [{"address": "ada@example.com", "verified": true, "primary": true}],
    "claims": {"name": "Ada Lovelace"},
    "groups": ["staff"],
    "admin_role": "owner"
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
		t.Errorf("docs/cli.md is out of date; run `go test ./internal/cli -run Reference -update` (-want +got):\n%s", diff)
	}
}

func model(t *testing.T) *kong.Application {
	t.Helper()
	m, err := cli.Model()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestReferenceDescribesEverythingInSentences(t *testing.T) {
	t.Parallel()

	for _, command := range model(t).Leaves(true) {
		if !strings.HasSuffix(command.Help, ".") {
			t.Errorf("the description of %s, %q, is not a sentence", command.FullPath(), command.Help)
		}
		for _, value := range command.Values() {
			if !strings.HasSuffix(value.Help, ".") {
				t.Errorf("%s the description of %s, %q, is not a sentence", command.FullPath(), value.Name, value.Help)
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
