-- +goose Up
-- The password of a sign-in that still needs a second factor, as JSON; NULL without one.
ALTER TABLE requests ADD COLUMN first_factor TEXT;
-- The subject of the user who declined a further factor for the request; empty for none.
ALTER TABLE requests ADD COLUMN factor_declined_by TEXT NOT NULL DEFAULT '';
-- Whether the policy of the operator asks for no second factor in the session, because the user
-- trusts the device or still has time to enrol.
ALTER TABLE sessions ADD COLUMN second_factor_waived INTEGER NOT NULL DEFAULT 0;

-- When users without a second factor must have enrolled, from their first sign-in under a policy
-- that requires one.
CREATE TABLE enrolment_deadlines (
  subject  TEXT   NOT NULL PRIMARY KEY REFERENCES accounts (subject) ON DELETE CASCADE,
  deadline BIGINT NOT NULL
);
