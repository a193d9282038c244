// Package cli implements the commands of ostiary, one file per command group.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/ostiary/ostiary/internal/config"
)

// commandLine is the command line with its global flags.
type commandLine struct {
	Config string            `help:"Read settings from this YAML file." placeholder:"FILE" type:"existingfile"`
	Set    map[string]string `help:"Set KEY to VALUE; overrides file and environment; may be repeated." placeholder:"KEY=VALUE" mapsep:"none"`

	ShowVersion versionFlag `name:"version" help:"Print the version and exit."`

	Dev         devCommand         `cmd:"" help:"Run without configuration: embedded database, demo application, setup link."`
	Serve       serveCommand       `cmd:"" help:"Run the server in production."`
	SetupLink   setupLinkCommand   `cmd:"" name:"setup-link" help:"Print a link that creates the first administrator."`
	Migrate     migrateCommand     `cmd:"" help:"Manage database migrations."`
	Clients     clientsCommand     `cmd:"" help:"Manage clients."`
	Presets     presetsCommand     `cmd:"" help:"Show presets of well-known applications, for clients create."`
	Resources   resourcesCommand   `cmd:"" help:"Manage resources: the services for which clients request access tokens."`
	Scopes      scopesCommand      `cmd:"" help:"Manage scopes: titles, descriptions and claims."`
	DetailTypes detailTypesCommand `cmd:"" name:"detail-types" help:"Manage types of authorization details (RFC 9396)."`
	Users       usersCommand       `cmd:"" help:"Manage users."`
	Groups      groupsCommand      `cmd:"" help:"Manage groups of users."`
	Attributes  attributesCommand  `cmd:"" help:"Manage the attributes that users may have."`
	Keys        keysCommand        `cmd:"" help:"Manage signing keys."`
	KeySets     keySetsCommand     `cmd:"" name:"keysets" help:"Manage named key sets for your own use."`
	Grants      grantsCommand      `cmd:"" help:"List and revoke grants."`
	Sessions    sessionsCommand    `cmd:"" help:"List and revoke browser sessions."`
	CIBA        cibaCommand        `cmd:"" name:"ciba" help:"Manage backchannel authentication requests."`
	Notices     noticesCommand     `cmd:"" help:"Manage back-channel logout notices."`
	Mails       mailsCommand       `cmd:"" help:"List messages to users, and test the mail settings."`
	APIKeys     apiKeysCommand     `cmd:"" name:"apikeys" help:"Manage API keys for the admin API."`
	Perform     performCommand     `cmd:"" help:"Request tokens as a client in the terminal, from this or another server."`
	Introspect  introspectCommand  `cmd:"" help:"Show the content of a token and whether it is active."`
	Revoke      revokeCommand      `cmd:"" help:"Revoke a token; a refresh token is revoked with its grant."`
	Audit       auditCommand       `cmd:"" help:"List audit events."`
	Explain     explainCommand     `cmd:"" help:"Explain why a request was rejected."`
	Purge       purgeCommand       `cmd:"" help:"Remove expired data. A running server does so automatically."`
	Completion  completionCommand  `cmd:"" help:"Print the completion script for a shell."`
	Import      importCommand      `cmd:"" help:"Import from another server."`
	Healthcheck healthcheckCommand `cmd:"" help:"Check whether a running server is ready; the exit code is the result."`
	Version     versionCommand     `cmd:"" help:"Print the version."`

	change  change
	version string // of this build
}

// Streams are the standard streams of a command.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Main runs the command line of this process and returns the exit code. SIGINT and SIGTERM
// cancel the command. version is the version of the build.
func Main(version string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return Run(ctx, version, os.Args[1:], Streams{os.Stdin, os.Stdout, os.Stderr})
}

// Run runs the command line args and returns the exit code: 0 if the command succeeded,
// 1 if it failed, 2 if the command line is invalid.
func Run(ctx context.Context, version string, args []string, s Streams) int {
	c := commandLine{version: version}
	s.Out = &output{to: s.Out}
	exit := -1
	parser, err := newParser(&c,
		kong.Writers(s.Out, s.Err),
		kong.Exit(func(code int) { exit = code }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(s),
		kong.Vars{"version": version},
	)
	if err != nil {
		printError(s.Err, err)
		return 1
	}
	completeShell(parser, func(code int) { exit = code })
	if exit >= 0 {
		return exit
	}
	if len(args) > 0 && args[0] == "help" {
		args = append(slices.Clone(args[1:]), "--help")
	}
	parsed, err := parser.Parse(args)
	if exit >= 0 {
		return exit // --help or --version was printed
	}
	if err != nil {
		printError(s.Err, fmt.Errorf("%w\nTry: %s --help", err, failedCommand(err)))
		return 2
	}
	c.change = parseChange(parsed)
	if err := parsed.Run(&c); err != nil {
		printError(s.Err, err)
		return 1
	}
	return 0
}

// newParser returns a parser that parses command lines into c.
func newParser(c *commandLine, options ...kong.Option) (*kong.Kong, error) {
	return kong.New(c, append([]kong.Option{
		kong.Name("ostiary"),
		kong.Description("An OAuth 2.0 authorization server and OpenID provider."),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(decodeDuration)),
	}, options...)...)
}

// Model returns all commands and flags with their help.
func Model() (*kong.Application, error) {
	parser, err := newParser(&commandLine{})
	if err != nil {
		return nil, err
	}
	return parser.Model, nil
}

// failedCommand returns the path of the command whose flags or arguments are invalid.
func failedCommand(err error) string {
	if wrong, ok := errors.AsType[*kong.ParseError](err); ok && wrong.Context != nil {
		if command := wrong.Context.Selected(); command != nil {
			return command.FullPath()
		}
	}
	return "ostiary"
}

// decodeDuration parses durations as in the configuration, which allows days.
func decodeDuration(from *kong.DecodeContext, into reflect.Value) error {
	var text string
	if err := from.Scan.PopValueInto("time", &text); err != nil {
		return err
	}
	d, err := config.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q %w", text, err)
	}
	into.SetInt(int64(d))
	return nil
}

func printError(w io.Writer, err error) {
	if faults, ok := errors.AsType[*config.Error](err); ok {
		err = fmt.Errorf("invalid configuration:\n%w", faults)
	}
	_, _ = fmt.Fprintln(w, "ostiary:", err) // the exit code also reports it
}

// load reads the configuration. It returns an error if one of the required keys is not set.
func (c *commandLine) load(require ...string) (*config.Config, error) {
	return config.Load(config.Sources{
		File: c.Config, Environ: os.Environ(), Override: c.Set, Require: require,
	})
}

// newLog returns a logger with the configured level and format.
func newLog(w io.Writer, c *config.Config) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == config.LogJSON {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// now is the clock of all commands.
func now() time.Time { return time.Now() }
