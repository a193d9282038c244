package oidc

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"

	"github.com/ostiary/ostiary/internal/client"
)

// frames returns the addresses that tell clients' pages in this browser that the
// session has ended. A client that cannot be read is left out: the session is over,
// and the person need not wait for what is told as well as can be.
//
// Spec: OpenID Connect Front-Channel Logout sections 2 and 3.
func (l *Logout) frames(ctx context.Context, participants []string, sid string) []string {
	var list []string
	for _, id := range participants {
		c, err := l.Clients.Client(ctx, id)
		switch {
		case errors.Is(err, client.ErrNotFound):
		case err != nil:
			l.Log.LogAttrs(ctx, slog.LevelWarn, "client not told in its frame", slog.String("client_id", id), slog.Any("error", err))
		case !c.Disabled && c.FrontchannelLogoutURI != "":
			list = append(list, l.frame(c.FrontchannelLogoutURI, l.Subjects.Session(c, sid)))
		}
	}
	return list
}

// frame adds issuer and session to a registered address, whose own query stays as
// it is. They are there whether or not the client demanded them, so that a link
// made by others does not pass for ours.
func (l *Logout) frame(registered, sid string) string {
	sign := "?"
	if strings.Contains(registered, "?") {
		sign = "&"
	}
	return registered + sign + "iss=" + url.QueryEscape(l.Issuer) + "&sid=" + url.QueryEscape(sid)
}
