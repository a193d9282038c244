package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/server"
)

// introspectCommand tells about a token.
type introspectCommand struct {
	outputFlags

	Token string   `arg:"" help:"The access or refresh token; - is standard input, which other users of this machine cannot see."`
	Scope []string `help:"A scope that the token must have to count as active; may be repeated." sep:" " placeholder:"SCOPE"`
}

// revokeCommand ends tokens.
type revokeCommand struct {
	Token  string `arg:"" optional:"" help:"The access or refresh token; - is standard input, which other users of this machine cannot see."`
	Client string `help:"All tokens of this client that were issued until now." placeholder:"ID"`
}

// atTokens opens a desk with what reads and ends tokens on it.
func (c *commandLine) withTokens(ctx context.Context, s Streams, work func(*database, *server.OAuth2) error) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		a, err := server.New(ctx, server.Options{Config: d.config, Store: d.store, Log: d.log, Now: now, Version: c.version})
		if err != nil {
			return err
		}
		return work(d, &a.OAuth2)
	}, "issuer", "system_secrets")
}

// token returns the token that the command line names.
func (s Streams) token(name string) (string, error) {
	if name != "-" {
		return name, nil
	}
	text, err := s.readInput(name)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(text)), nil
}

// Run tells about the token.
func (cmd *introspectCommand) Run(ctx context.Context, s Streams, c *commandLine) error {
	token, err := s.token(cmd.Token)
	if err != nil {
		return err
	}
	return c.withTokens(ctx, s, func(_ *database, endpoints *server.OAuth2) error {
		said, err := endpoints.Introspection.Inspect(ctx, token, cmd.Scope)
		if err != nil {
			return fmt.Errorf("introspect: %w", err)
		}
		if cmd.isTable() {
			return printObject(s.Out, cmd.outputFlags, introspectionView{
				(*introspectionMembers)(said), said.Claims, numericDate(said.IssuedAt), numericDate(said.AuthTime), numericDate(said.Expiry),
			})
		}
		return printObject(s.Out, cmd.outputFlags, said)
	})
}

// introspectionMembers are those of an introspection response without its own encoding.
type introspectionMembers grant.Introspection

// introspectionView is what people read of a token: its times are not counted in
// seconds.
type introspectionView struct {
	*introspectionMembers

	Claims   map[string]any `json:"claims,omitempty"`
	IssuedAt time.Time      `json:"iat,omitzero"`
	AuthTime time.Time      `json:"auth_time,omitzero"`
	Expiry   time.Time      `json:"exp,omitzero"`
}

// numericDate is the time of a NumericDate (RFC 7519 section 2), zero if there is none.
func numericDate(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// Run revokes the token, or all tokens of a client.
func (cmd *revokeCommand) Run(ctx context.Context, s Streams, c *commandLine) error {
	if (cmd.Token != "") == (cmd.Client != "") {
		return errors.New("name either a token or, with --client, a client")
	}
	if cmd.Client != "" {
		return c.withDatabase(ctx, s, func(d *database) error {
			err := d.store.Clients.EndClientTokens(ctx, cmd.Client, now())
			if errors.Is(err, client.ErrNotFound) {
				return fmt.Errorf("there is no client %q", cmd.Client)
			}
			if err != nil {
				return err
			}
			return s.printf("revoked everything that %s was given", cmd.Client)
		})
	}
	token, err := s.token(cmd.Token)
	if err != nil {
		return err
	}
	return c.withTokens(ctx, s, func(_ *database, endpoints *server.OAuth2) error {
		ours, err := endpoints.Revocation.RevokeAny(ctx, token)
		if err != nil {
			return fmt.Errorf("revoke: %w", err)
		}
		if !ours {
			return errors.New("this is no token of this server, or one that has expired")
		}
		return s.printf("revoked")
	})
}
