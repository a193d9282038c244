package logout

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"

	"github.com/ostiary/ostiary/internal/client"
)

// frontchannelURLs returns the front-channel logout URLs of the participants of a session.
// It skips a client that cannot be read: the session has ended, and front-channel logout
// is best effort.
//
// Spec: OpenID Connect Front-Channel Logout §2, §3.
func (h *Handler) frontchannelURLs(ctx context.Context, participants []string, sessionID string) []string {
	var list []string
	for _, id := range participants {
		c, err := h.Clients.Client(ctx, id)
		switch {
		case errors.Is(err, client.ErrNotFound):
		case err != nil:
			h.Log.LogAttrs(ctx, slog.LevelWarn, "front-channel logout skipped", slog.String("client_id", id), slog.Any("error", err))
		case !c.Disabled && c.FrontchannelLogoutURI != "":
			list = append(list, h.frontchannelURL(c.FrontchannelLogoutURI, h.Subjects.Session(c, sessionID)))
		}
	}
	return list
}

// frontchannelURL appends iss and sid to a registered URL and keeps its query. It appends
// them even if the client does not require them, so that the client can reject links of
// other sites.
func (h *Handler) frontchannelURL(registered, sid string) string {
	separator := "?"
	if strings.Contains(registered, "?") {
		separator = "&"
	}
	return registered + separator + "iss=" + url.QueryEscape(h.Issuer) + "&sid=" + url.QueryEscape(sid)
}
