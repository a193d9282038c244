package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	opener "github.com/pkg/browser"

	"github.com/ostiary/ostiary/internal/cli/perform"
)

// performCommand requests tokens as a client.
type performCommand struct {
	AuthorizationCode performAuthorizationCode `cmd:"" help:"Request tokens with the authorization code flow, in a browser."`
	ClientCredentials performClientCredentials `cmd:"" help:"Request a token for the client itself."`
	DeviceCode        performDeviceCode        `cmd:"" help:"Request tokens with the device flow."`
}

// performFlags describe the client and its request.
type performFlags struct {
	outputFlags

	Issuer           string   `help:"The issuer of the server; by default the configured issuer." placeholder:"URL"`
	ClientID         string   `help:"The client_id." name:"client-id" required:"" placeholder:"ID"`
	ClientSecret     string   `help:"The client_secret; visible to other users of this machine." xor:"secret" placeholder:"SECRET"`
	ClientSecretFile string   `help:"Read the client_secret from this file; - is standard input." xor:"secret" placeholder:"FILE"`
	AuthMethod       string   `help:"client_secret_basic or client_secret_post, for a client with a secret." enum:"client_secret_basic,client_secret_post" default:"client_secret_basic" placeholder:"METHOD"`
	Scope            []string `help:"A scope to request; may be repeated." sep:" " placeholder:"SCOPE"`
	Audience         []string `help:"A resource that the token is for; may be repeated." sep:"none" placeholder:"URI"`
	CAFile           string   `help:"Also trust the certificates in this PEM file." name:"ca-file" type:"existingfile" placeholder:"FILE"`
}

// timeoutFlag limits the wait for the user.
type timeoutFlag struct {
	Patience time.Duration `help:"How long to wait for the user." default:"10m" placeholder:"DURATION"`
}

// apply sets the timeout of the client.
func (f timeoutFlag) apply(who *perform.Client) error {
	if f.Patience <= 0 {
		return errors.New("--patience must be positive")
	}
	who.Timeout = f.Patience
	return nil
}

type performAuthorizationCode struct {
	performFlags
	timeoutFlag

	Listen      string `help:"Listener for the redirect, HOST:PORT." default:"127.0.0.1:4446" placeholder:"ADDRESS"`
	RedirectURI string `help:"The redirect URI, if it is not http://ADDRESS/callback." name:"redirect-uri" placeholder:"URI"`
	Prompt      string `help:"none, login, consent, select_account or create; several separated by spaces." placeholder:"PROMPT"`
	MaxAge      *int64 `help:"Maximum time since the user signed in, in seconds." placeholder:"SECONDS"`
	LoginHint   string `help:"The expected user." placeholder:"HINT"`
	ACRValues   string `help:"The requested authentication context." name:"acr-values" placeholder:"VALUES"`
	NoOpen      bool   `help:"Do not open a browser."`
}

type performClientCredentials struct {
	performFlags
}

type performDeviceCode struct {
	performFlags
	timeoutFlag
}

// client returns the client that the flags describe.
func (f *performFlags) client(s Streams, c *commandLine) (*perform.Client, error) {
	who := &perform.Client{
		Issuer: f.Issuer, ID: f.ClientID, Secret: f.ClientSecret, SecretInForm: f.AuthMethod == "client_secret_post",
		Scopes: f.Scope, Audience: f.Audience, Messages: s.Err,
	}
	if who.Issuer == "" {
		conf, err := c.load()
		if err != nil {
			return nil, err
		}
		if who.Issuer = conf.Issuer; who.Issuer == "" {
			return nil, errors.New("no issuer: pass --issuer, or set issuer in the configuration")
		}
	}
	if f.ClientSecretFile != "" {
		text, err := s.readInput(f.ClientSecretFile)
		if err != nil {
			return nil, err
		}
		if who.Secret = trimLineEnd(text); who.Secret == "" {
			return nil, fmt.Errorf("%s is empty", f.ClientSecretFile)
		}
	}
	if f.CAFile != "" {
		var err error
		if who.CA, err = os.ReadFile(f.CAFile); err != nil {
			return nil, err
		}
	}
	return who, nil
}

// print requests tokens and prints them.
func (f *performFlags) print(s Streams, c *commandLine, get func(*perform.Client) (*perform.Tokens, error)) error {
	who, err := f.client(s, c)
	if err != nil {
		return err
	}
	tokens, err := get(who)
	if err != nil {
		return err
	}
	return printObject(s.Out, f.outputFlags, tokens)
}

// Run uses the authorization code flow.
func (cmd *performAuthorizationCode) Run(ctx context.Context, s Streams, c *commandLine) error {
	if len(cmd.Scope) == 0 {
		cmd.Scope = []string{"openid"}
	}
	ask := perform.AuthorizationOptions{
		Prompt: cmd.Prompt, MaxAge: cmd.MaxAge, LoginHint: cmd.LoginHint, ACRValues: cmd.ACRValues,
		Listen: cmd.Listen, RedirectURI: cmd.RedirectURI,
	}
	if s.isTerminal() && !cmd.NoOpen {
		ask.Open = opener.OpenURL
	}
	return cmd.print(s, c, func(who *perform.Client) (*perform.Tokens, error) {
		if err := cmd.apply(who); err != nil {
			return nil, err
		}
		return who.AuthorizationCode(ctx, ask)
	})
}

// Run uses the client credentials grant.
func (cmd *performClientCredentials) Run(ctx context.Context, s Streams, c *commandLine) error {
	return cmd.print(s, c, func(who *perform.Client) (*perform.Tokens, error) { return who.ClientCredentials(ctx) })
}

// Run uses the device flow.
func (cmd *performDeviceCode) Run(ctx context.Context, s Streams, c *commandLine) error {
	if len(cmd.Scope) == 0 {
		cmd.Scope = []string{"openid"}
	}
	return cmd.print(s, c, func(who *perform.Client) (*perform.Tokens, error) {
		if err := cmd.apply(who); err != nil {
			return nil, err
		}
		return who.DeviceCode(ctx)
	})
}
