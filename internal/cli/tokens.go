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

// introspectCommand shows a token.
type introspectCommand struct {
	outputFlags

	Token string   `arg:"" help:"The access or refresh token; - is standard input, which other users of this machine cannot see."`
	Scope []string `help:"A scope that the token must have to count as active; may be repeated." sep:" " placeholder:"SCOPE"`
}

// revokeCommand revokes tokens.
type revokeCommand struct {
	Token  string `arg:"" optional:"" help:"The access or refresh token; - is standard input, which other users of this machine cannot see."`
	Client string `help:"All tokens of this client that were issued until now." placeholder:"ID"`
}

// withTokens runs work over the database and the token endpoints.
func (c *commandLine) withTokens(ctx context.Context, s Streams, work func(*database, *server.OAuth2) error) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		a, err := server.New(ctx, server.Options{Config: d.config, Store: d.store, Log: d.log, Now: now, Version: c.version})
		if err != nil {
			return err
		}
		return work(d, &a.OAuth2)
	}, "issuer", "system_secrets")
}

// token returns the token of the command line or of standard input.
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

// Run shows the token.
func (cmd *introspectCommand) Run(ctx context.Context, s Streams, c *commandLine) error {
	token, err := s.token(cmd.Token)
	if err != nil {
		return err
	}
	return c.withTokens(ctx, s, func(_ *database, endpoints *server.OAuth2) error {
		response, err := endpoints.Introspection.Inspect(ctx, token, cmd.Scope)
		if err != nil {
			return fmt.Errorf("introspect: %w", err)
		}
		if cmd.isTable() {
			return printObject(s.Out, cmd.outputFlags, introspectionView{
				(*introspectionMembers)(response), response.Claims, numericDate(response.IssuedAt), numericDate(response.AuthTime), numericDate(response.Expiry),
			})
		}
		return printObject(s.Out, cmd.outputFlags, response)
	})
}

// introspectionMembers is an introspection response with the default JSON encoding.
type introspectionMembers grant.Introspection

// introspectionView is an introspection response with formatted times.
type introspectionView struct {
	*introspectionMembers

	Claims   map[string]any `json:"claims,omitempty"`
	IssuedAt time.Time      `json:"iat,omitzero"`
	AuthTime time.Time      `json:"auth_time,omitzero"`
	Expiry   time.Time      `json:"exp,omitzero"`
}

// numericDate returns the time of a NumericDate (RFC 7519 section 2), zero for 0.
func numericDate(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// Run revokes the token, or all tokens of a client.
func (cmd *revokeCommand) Run(ctx context.Context, s Streams, c *commandLine) error {
	if (cmd.Token != "") == (cmd.Client != "") {
		return errors.New("either a token or --client is required")
	}
	if cmd.Client != "" {
		return c.withDatabase(ctx, s, func(d *database) error {
			err := d.store.Clients.EndClientTokens(ctx, cmd.Client, now())
			if errors.Is(err, client.ErrNotFound) {
				return clientNotFound(cmd.Client)
			}
			if err != nil {
				return err
			}
			return s.printf("revoked all tokens of %s", cmd.Client)
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
			return errors.New("unknown or expired token")
		}
		return s.printf("revoked")
	})
}
