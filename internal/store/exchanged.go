package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
)

// usableCondition requires that a grant may have tokens, as [Grants.LiveGrant] does, except for its end.
const usableCondition = `revoked_at IS NULL AND ` + liveCondition + `
			AND (code_spent_at IS NOT NULL OR session_id IS NULL
				OR EXISTS (SELECT 1 FROM sessions s WHERE s.id = grants.session_id))`

// LiveExchanged returns the grant of the user of a token that was exchanged, nil for a token without
// one, if the token and all that it came from are valid at now: no token was revoked, and every grant,
// client, account and trust is live and has not revoked earlier tokens. Otherwise it returns
// [grant.ErrNotFound]. It is one statement.
//
// Spec: RFC 8693.
func (s *Grants) LiveExchanged(ctx context.Context, t *grant.Exchanged, now time.Time) (*grant.WithAccount, error) {
	l := &lineage{now: now}
	l.token(t.ClientID, t.JTI, t.IssuedAt)
	for _, source := range t.Sources {
		l.token(source.ClientID, source.JTI, source.IssuedAt)
		l.trust(source.Trust, source.Subject, source.IssuedAt)
		if source.Grant != t.Root {
			l.grant(source.Grant)
		}
	}
	l.notRevoked()
	var err error
	var held *grant.WithAccount
	if t.Root == (grant.Locator{}) {
		var one int64
		err = s.db.Read.QueryRow(ctx, `SELECT 1 WHERE `+strings.Join(l.conditions, ` AND `), l.args...).Scan(&one)
	} else {
		read := `SELECT ` + grantWithAccountColumns + ` FROM grants WHERE ` + l.located(t.Root) + ` AND ` + strings.Join(l.conditions, ` AND `)
		held, err = scanGrantWithAccount(s.db.Read.QueryRow(ctx, read, l.args...))
	}
	if errors.Is(err, sql.ErrNoRows) {
		return nil, grant.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read what a token was exchanged from: %w", err)
	}
	return held, nil
}

// lineage collects the conditions on all that a token came from.
type lineage struct {
	now        time.Time
	conditions []string
	args       []any
	jtis       []string // placeholders
}

// arg adds an argument and returns its placeholder.
func (l *lineage) arg(value any) string {
	l.args = append(l.args, value)
	return `$` + strconv.Itoa(len(l.args))
}

// token requires that the client of a token is live, and has not revoked the tokens of that time. A
// token without a time is under a grant, whose time counts. A JWT of a trusted issuer has no client,
// and a built-in client no row.
func (l *lineage) token(clientID, jti string, issuedAt time.Time) {
	if jti != "" {
		l.jtis = append(l.jtis, l.arg(jti))
	}
	if clientID == "" || client.IsBuiltIn(clientID) || issuedAt.IsZero() {
		return
	}
	l.conditions = append(l.conditions, `EXISTS (SELECT 1 FROM clients c WHERE c.id = `+l.arg(clientID)+
		` AND c.disabled = 0 AND c.not_before <= `+l.arg(issuedAt.UnixMicro())+`)`)
}

// trust requires that an issuer is trusted, and that the account of its subject, if there is one, is
// enabled and has not revoked the tokens of that time.
func (l *lineage) trust(id, subject string, issuedAt time.Time) {
	if id == "" {
		return
	}
	account := l.arg(subject)
	l.conditions = append(l.conditions, `EXISTS (SELECT 1 FROM trusted_issuers i WHERE i.id = `+l.arg(id)+` AND i.expires_at > `+l.arg(l.now.UnixMicro())+`)`,
		`NOT EXISTS (SELECT 1 FROM accounts a WHERE a.subject = `+account+` AND (a.disabled_at IS NOT NULL OR a.not_before > `+l.arg(issuedAt.UnixMicro())+`))`)
}

// grant requires that a grant is live, unless it is the zero value.
func (l *lineage) grant(at grant.Locator) {
	if at != (grant.Locator{}) {
		l.conditions = append(l.conditions, `EXISTS (SELECT 1 FROM grants WHERE `+l.located(at)+`)`)
	}
}

// located is the condition of a live grant at a place. The number of the partition is in the text, as
// in [db.Partitioner].InPartition.
func (l *lineage) located(at grant.Locator) string {
	return `bucket = ` + strconv.FormatUint(uint64(at.Partition), 10) + ` AND id = ` + l.arg(at.ID[:]) + ` AND ends_at > ` + l.arg(l.now.UnixMicro()) + ` AND ` + usableCondition
}

// notRevoked requires that none of the tokens was revoked alone.
func (l *lineage) notRevoked() {
	if len(l.jtis) > 0 {
		l.conditions = append(l.conditions, `NOT EXISTS (SELECT 1 FROM revoked_tokens t WHERE t.jti IN (`+strings.Join(l.jtis, `, `)+`))`)
	}
}
