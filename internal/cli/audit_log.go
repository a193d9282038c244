package cli

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/unavailable"
)

// auditActions returns the audit action of each command that changes something or exports
// users. The others are read-only.
func auditActions() map[string]string {
	return map[string]string{ //nolint:gosec // no credentials
		"apikeys create":           "apikey.create",
		"apikeys revoke":           "apikey.revoke",
		"attributes create":        "attribute.create",
		"attributes delete":        "attribute.delete",
		"attributes update":        "attribute.update",
		"clients create":           "client.create",
		"clients delete":           "client.delete",
		"ciba accept":              "ciba.accept",
		"ciba reject":              "ciba.reject",
		"clients import":           "client.import",
		"clients add-secret":       "client.secret.add",
		"clients remove-secret":    "client.secret.remove",
		"clients rotate-secret":    "client.secret.rotate",
		"clients update":           "client.update",
		"detail-types create":      "detail-type.create",
		"detail-types delete":      "detail-type.delete",
		"detail-types update":      "detail-type.update",
		"grants revoke":            "grant.revoke",
		"import auth0":             "user.import",
		"import dex":               "user.import",
		"groups add":               "user.group.add",
		"groups create":            "group.create",
		"groups delete":            "group.delete",
		"groups remove":            "user.group.remove",
		"groups update":            "group.update",
		"import hydra":             "hydra.import",
		"import keycloak":          "user.import",
		"keys import":              "key.import",
		"keys reseal":              "key.reseal",
		"keys rotate":              "key.rotate",
		"keys withdraw":            "key.withdraw",
		"keysets create":           "keys.create",
		"keysets delete":           "keys.delete",
		"keysets import":           "keys.import",
		"mails retry":              "mail.retry",
		"notices delete":           "notice.delete",
		"notices retry":            "notice.retry",
		"revoke":                   "token.revoke",
		"resources create":         "resource.create",
		"resources delete":         "resource.delete",
		"resources update":         "resource.update",
		"scopes create":            "scope.create",
		"scopes delete":            "scope.delete",
		"scopes update":            "scope.update",
		"sessions revoke":          "session.revoke",
		"setup-link":               "setup-link.create",
		"users create":             "user.create",
		"users credentials remove": "user.credential.remove",
		"users delete":             "user.delete",
		"users disable":            "user.disable",
		"users enable":             "user.enable",
		"users export":             "user.export",
		"users import":             "user.import",
		"users lock":               "user.lock",
		"users invite":             "user.invite",
		"users recover":            "user.recover",
		"users set-password":       "user.set-password",
		"users unlock":             "user.unlock",
		"users update":             "user.update",
	}
}

// change is the change that a command makes, for the audit log.
type change struct {
	action  string
	targets []string // the changed objects, as named on the command line
	events  []*audit.Event
}

// parseChange returns the change that a command line makes, without an action for a read-only
// command. Tokens are not targets, and a file is a target only if there is no other.
func parseChange(parsed *kong.Context) change {
	command := parsed.Selected()
	if command == nil {
		return change{}
	}
	path := strings.TrimPrefix(command.FullPath(), parsed.Model.Name+" ")
	c := change{action: auditActions()[path]}
	var one []string
	for _, argument := range command.Positional {
		switch value := argument.Target.Interface().(type) {
		case string:
			if value != "" && argument.Name != "token" && (argument.Name != "file" || len(one) == 0) {
				one = append(one, value)
			}
		case []string:
			c.targets = append(c.targets, value...)
		}
	}
	if len(one) > 0 {
		c.targets = append(c.targets, strings.Join(one, "/")) // a key of a key set, as in the admin API
	}
	for _, flag := range command.Flags {
		value, ok := reflect.TypeAssert[string](flag.Target)
		if ok && value != "" && slices.Contains([]string{"id", "client", "user"}, flag.Name) {
			c.targets = append(c.targets, value)
		}
	}
	return c
}

// setTarget sets the target of the audit event if the command line does not name it.
func (d *database) setTarget(target string) {
	if len(d.change.events) == 1 {
		d.change.events[0].Target = audit.Truncate(target)
	}
}

// audit stores an audit event before and its outcome after the command runs.
func (d *database) audit(ctx context.Context, work func(*database) error) error {
	if d.change.action == "" {
		return work(d)
	}
	if len(d.change.targets) == 0 {
		d.change.targets = []string{""}
	}
	for _, target := range d.change.targets {
		d.change.events = append(d.change.events, audit.NewEvent(d.change.action, target, operator(), now()))
	}
	var unrecorded error
	audited := manage.Audited{
		Log: d.store.Audit, Outcome: outcomeOf,
		Unrecorded: func(_ context.Context, _ *audit.Event, err error) {
			unrecorded = errors.Join(unrecorded, fmt.Errorf("store the outcome in the audit log: %w", err))
		},
	}
	err := audited.Change(ctx, d.change.events, func(ctx context.Context) error {
		d.store.DeferWaits()
		d.holdOutput(d.store.Unsettled)
		err := work(d)
		d.store.Settle(ctx)
		return errors.Join(err, d.releaseOutput())
	})
	return errors.Join(err, unrecorded)
}

// outcomeOf returns the outcome of a command. It has no HTTP status.
func outcomeOf(err error) (audit.Outcome, int) {
	switch {
	case err == nil:
		return audit.Done, 0
	case unavailable.Is(err):
		return audit.Failed, 0
	default:
		return audit.Refused, 0
	}
}

// operator returns the operating system user that runs the command.
func operator() audit.Actor {
	by := audit.Actor{Kind: audit.Command}
	if known, err := user.Current(); err == nil {
		by.ID, by.Name = known.Username, known.Name
	}
	return by
}
