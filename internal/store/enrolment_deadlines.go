package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/store/db"
)

// EnrolmentDeadlines stores when users must have enrolled a second factor.
type EnrolmentDeadlines struct{ db *db.DB }

// EnrolmentDeadline returns the deadline of a user. For a user without one it stores first.
func (s *EnrolmentDeadlines) EnrolmentDeadline(ctx context.Context, subject string, first time.Time) (time.Time, error) {
	const insert = `
		INSERT INTO enrolment_deadlines (subject, deadline) VALUES ($1, $2)
		ON CONFLICT (subject) DO UPDATE SET deadline = enrolment_deadlines.deadline
		RETURNING deadline`

	var deadline time.Time
	if err := s.db.Write.QueryRow(ctx, insert, subject, first.UnixMicro()).Scan(intoTime(&deadline)); err != nil {
		return time.Time{}, fmt.Errorf("read enrolment deadline: %w", err)
	}
	return deadline, nil
}
