package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/keyring"
	"github.com/ostiary/ostiary/internal/secondfactor"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
	"github.com/ostiary/ostiary/internal/totp"
)

// systemSecrets is the keyring of the tests.
func systemSecrets(secrets ...string) *keyring.Keyring {
	k, err := keyring.New(append(secrets, strings.Repeat("test", 8))...)
	if err != nil {
		panic(err)
	}
	return k
}

// factorsOf returns the second factors in a store, with unlimited attempts.
func factorsOf(s *store.Store) *secondfactor.Service {
	return &secondfactor.Service{Store: s.SecondFactors, Secrets: systemSecrets()}
}

var enrolmentBinding = secondfactor.Binding{Purpose: secondfactor.ForAccountPage, Session: "cookie"}

// beginEnrolment begins the enrolment of an authenticator app and returns its secret.
func beginEnrolment(t *testing.T, factors *secondfactor.Service, subject string) secondfactor.Enrolment {
	t.Helper()
	e, err := factors.BeginTOTP(t.Context(), subject, "issuer", subject, enrolmentBinding)
	must(t, err)
	return e
}

// enrol gives an account an authenticator app and returns its secret.
func enrol(t *testing.T, factors *secondfactor.Service, subject string, now time.Time) []byte {
	t.Helper()
	secret := beginEnrolment(t, factors, subject).Secret
	_, err := factors.ConfirmTOTP(t.Context(), subject, totp.Code(secret, totp.Step(now)), "phone", enrolmentBinding, now)
	must(t, err)
	return secret
}

// A time step is accepted once, and only after all steps that were accepted before.
func TestAuthenticatorCodesAreNotReplayed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		factors := factorsOf(s)
		verify := func(secret []byte, step int64, now time.Time, want error) {
			t.Helper()
			err := factors.VerifyTOTP(t.Context(), "alice", totp.Code(secret, step), now)
			wantErr(t, fmt.Sprintf("code of step %+d", step-totp.Step(noon)), err, want)
		}
		wantErr(t, "without an authenticator", factors.VerifyTOTP(t.Context(), "alice", "000000", noon), secondfactor.ErrNotEnrolled)
		first, step := enrol(t, factors, "alice", noon), totp.Step(noon)
		verify(first, step, noon, secondfactor.ErrReplayed) // it confirmed the enrolment
		verify(first, step-1, noon, secondfactor.ErrReplayed)
		verify(first, step+2, noon, secondfactor.ErrWrong)
		verify(first, step+1, noon, nil)
		verify(first, step+1, noon.Add(30*time.Second), secondfactor.ErrReplayed)
		later := noon.Add(5 * time.Minute)
		verify(first, step+10, later, nil)

		second := enrol(t, factors, "alice", later)
		verify(second, step+11, later, nil)
		verify(first, step+11, later, nil)
		set, err := factors.Enrolled(t.Context(), "alice")
		must(t, err)
		wantSame(t, "authenticators", len(set.Authenticators), 2)
		wantSame(t, "last use", set.Authenticators[1].LastUsedAt, later)
		must(t, factors.RemoveTOTP(t.Context(), "alice", set.Authenticators[0].ID, noon))
		verify(first, step+12, later.Add(time.Minute), secondfactor.ErrWrong)
		wantErr(t, "remove it again", factors.RemoveTOTP(t.Context(), "alice", set.Authenticators[0].ID, noon), secondfactor.ErrNotEnrolled)
		wantErr(t, "remove it for another account", factors.RemoveTOTP(t.Context(), "bob", set.Authenticators[1].ID, noon), secondfactor.ErrNotEnrolled)
	})
}

// An enrolment is found only with its session, purpose and account. It is not stored, and the
// next one has another secret.
func TestEnrolmentIsBoundToItsSession(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		factors := factorsOf(s)
		e := beginEnrolment(t, factors, "alice")
		wantSame(t, "enrolment of a second tab", beginEnrolment(t, factors, "alice"), e)
		if len(e.Secret) != totp.SecretSize || strings.Contains(e.URI, e.ID) || strings.Contains(e.ID, totp.Text(e.Secret)) {
			t.Errorf("the enrolment %v", e)
		}
		code, binding := totp.Code(e.Secret, totp.Step(noon)), enrolmentBinding
		binding.Shown = e.ID
		elsewhere, forSignIn := binding, binding
		elsewhere.Session, forSignIn.Purpose = "other", secondfactor.ForSignIn
		for name, tc := range map[string]struct {
			subject string
			binding secondfactor.Binding
			now     time.Time
			want    error
		}{
			"another account":  {"bob", binding, noon, secondfactor.ErrNoEnrolment},
			"another session":  {"alice", elsewhere, noon, secondfactor.ErrNoEnrolment},
			"another purpose":  {"alice", forSignIn, noon, secondfactor.ErrNoEnrolment},
			"code of long ago": {"alice", binding, noon.Add(2 * time.Minute), secondfactor.ErrWrong},
			"no form":          {"bob", enrolmentBinding, noon, secondfactor.ErrWrong},
		} {
			_, err := factors.ConfirmTOTP(t.Context(), tc.subject, code, "", tc.binding, tc.now)
			wantErr(t, name, err, tc.want)
		}
		set, err := factors.Enrolled(t.Context(), "alice")
		must(t, err)
		wantSame(t, "enrolled before the first right code", set.Enrolled(), false)

		seen := map[string]bool{string(beginEnrolment(t, factors, "bob").Secret): true}
		for range 5 {
			secret := string(enrol(t, factors, "alice", noon))
			if seen[secret] {
				t.Error("two enrolments have the same secret")
			}
			seen[secret] = true
		}
		_, err = factors.ConfirmTOTP(t.Context(), "alice", code, "", binding, noon)
		wantErr(t, "the first enrolment again", err, secondfactor.ErrNoEnrolment)
		sixth := beginEnrolment(t, factors, "alice").Secret
		_, err = factors.ConfirmTOTP(t.Context(), "alice", totp.Code(sixth, totp.Step(noon)), "", enrolmentBinding, noon)
		wantErr(t, "a sixth authenticator", err, secondfactor.ErrTooMany)
		set, err = factors.Enrolled(t.Context(), "alice")
		must(t, err)
		for _, a := range set.Authenticators {
			must(t, factors.RemoveTOTP(t.Context(), "alice", a.ID, noon))
		}
		if seen[string(enrol(t, factors, "alice", noon))] {
			t.Error("the secret of a removed app comes back in the same session")
		}
	})
}

// An enrolment that was shown under a system secret is completed after another one was added.
func TestEnrolmentOutlivesTheSystemSecret(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		old := beginEnrolment(t, factorsOf(s), "alice")
		rotated := &secondfactor.Service{Store: s.SecondFactors, Secrets: systemSecrets(strings.Repeat("next", 8))}
		if e := beginEnrolment(t, rotated, "alice"); string(e.Secret) == string(old.Secret) {
			t.Error("the secret does not depend on the system secret")
		}
		_, err := rotated.ConfirmTOTP(t.Context(), "alice", totp.Code(old.Secret, totp.Step(noon)), "", enrolmentBinding, noon)
		must(t, err)
	})
}

func TestNewRecoveryCodesReplaceTheOldOnes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		factors := factorsOf(s)
		use := func(subject, code string) (int, error) {
			return factors.VerifyRecoveryCode(t.Context(), subject, code, noon)
		}
		_, err := use("alice", "00000-00000")
		wantErr(t, "without codes", err, secondfactor.ErrNotEnrolled)
		old, err := factors.GenerateRecoveryCodes(t.Context(), "alice", noon)
		must(t, err)
		others, err := factors.GenerateRecoveryCodes(t.Context(), "bob", noon)
		must(t, err)
		_, err = use("alice", others[0])
		wantErr(t, "a code of another account", err, secondfactor.ErrWrong)
		for i := range 2 {
			left, err := use("alice", strings.ToLower(old[i]))
			must(t, err)
			wantSame(t, "codes left", left, 9-i)
		}
		_, err = use("alice", old[1])
		wantErr(t, "a code again", err, secondfactor.ErrReplayed)
		_, err = use("alice", "no code")
		wantErr(t, "a text that is no code", err, secondfactor.ErrWrong)

		fresh, err := factors.GenerateRecoveryCodes(t.Context(), "alice", noon.Add(time.Hour))
		must(t, err)
		for _, code := range old {
			_, err = use("alice", code)
			wantErr(t, "a code of the previous set", err, secondfactor.ErrWrong)
		}
		left, err := use("alice", fresh[9])
		must(t, err)
		wantSame(t, "codes left of the new set", left, 9)
		set, err := factors.Enrolled(t.Context(), "alice")
		must(t, err)
		wantSame(t, "set", []any{set.RecoveryCodes.Left, set.RecoveryCodes.CreatedAt, set.Enrolled()}, []any{9, noon.Add(time.Hour), false})
		must(t, s.Accounts.DeleteAccount(t.Context(), "alice", noon))
		_, err = use("alice", fresh[0])
		wantErr(t, "a code of a deleted account", err, secondfactor.ErrNotEnrolled)
	})
}

// Concurrent new sets leave one set, all of whose codes are of one call.
func TestConcurrentRecoveryCodesLeaveOneSet(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		one, two := storetest.Open(t, url), storetest.Open(t, url)
		fixture.Seed(t, one)
		sets := make(chan []string, 64)
		for _, err := range fixture.Race(t, one, two, func(ctx context.Context, s *store.Store) error {
			codes, err := factorsOf(s).GenerateRecoveryCodes(ctx, "alice", noon)
			sets <- codes
			return err
		}) {
			must(t, err)
		}
		close(sets)
		left, err := factorsOf(one).RecoveryCodesLeft(t.Context(), "alice")
		must(t, err)
		wantSame(t, "codes", left, 10)
		valid := 0
		for codes := range sets {
			if _, err := factorsOf(two).VerifyRecoveryCode(t.Context(), "alice", codes[0], noon); err == nil {
				valid++
			}
		}
		wantSame(t, "valid sets", valid, 1)
	})
}

// All kinds of factors share the counter of an account. A right code clears it, and so does
// an operator.
func TestSecondFactorAttemptsAreLimited(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		one, two := storetest.Open(t, url), storetest.Open(t, url)
		fixture.Seed(t, one)
		limited := func(s *store.Store) *secondfactor.Service {
			f := factorsOf(s)
			f.Throttle = s.Throttle
			return f
		}
		secret := enrol(t, limited(one), "alice", noon)
		codes, err := limited(one).GenerateRecoveryCodes(t.Context(), "alice", noon)
		must(t, err)
		fail := func(times int, now time.Time) {
			t.Helper()
			for i := range times {
				if i%2 == 0 {
					wantErr(t, "wrong code", limited(one).VerifyTOTP(t.Context(), "alice", "no", now), secondfactor.ErrWrong)
					continue
				}
				_, err := limited(two).VerifyRecoveryCode(t.Context(), "alice", "no", now)
				wantErr(t, "wrong recovery code", err, secondfactor.ErrWrong)
			}
		}
		right := func(after time.Duration) error {
			now := noon.Add(after)
			return limited(two).VerifyTOTP(t.Context(), "alice", totp.Code(secret, totp.Step(now)), now)
		}
		fail(4, noon.Add(time.Minute))
		must(t, right(time.Minute))
		fail(5, noon.Add(2*time.Minute))
		err = right(3 * time.Minute)
		if limit, ok := errors.AsType[*secondfactor.TooManyAttemptsError](err); !ok || limit.RetryAfter != 4*time.Minute {
			t.Errorf("the right code after 5 wrong ones = %v, want to wait 4 minutes", err)
		}
		must(t, right(7*time.Minute))
		fail(5, noon.Add(8*time.Minute))
		must(t, one.Accounts.EndLockdown(t.Context(), "alice", noon))
		_, err = limited(two).VerifyRecoveryCode(t.Context(), "alice", codes[0], noon.Add(8*time.Minute))
		must(t, err)
	})
}

// A trusted device is trusted by one account, until it expires, the password changes or
// the account is disabled.
func TestTrustedDevices(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		digest := func(i int) []byte { return session.Hash(fmt.Sprint("device ", i)) }
		trust := func(i int, now time.Time) {
			t.Helper()
			a, err := s.Accounts.Account(t.Context(), "alice")
			must(t, err)
			must(t, s.TrustedDevices.InsertTrustedDevice(t.Context(), digest(i), a, now, now.Add(day)))
		}
		want := func(what string, i int, subject string, now time.Time, want bool) {
			t.Helper()
			trusted, err := s.TrustedDevices.TrustedDevice(t.Context(), digest(i), subject, now)
			must(t, err)
			wantSame(t, what, trusted, want)
		}
		trust(0, noon)
		want("the device", 0, "alice", noon, true)
		want("the device for another account", 0, "bob", noon, false)
		want("another device", 1, "alice", noon, false)
		want("the device after a day", 0, "alice", noon.Add(day), false)

		stale, err := s.Accounts.Account(t.Context(), "alice")
		must(t, err)
		must(t, s.Accounts.SetPassword(t.Context(), "alice", "hash", noon.Add(time.Minute)))
		want("after a new password", 0, "alice", noon.Add(time.Minute), false)
		must(t, s.TrustedDevices.InsertTrustedDevice(t.Context(), digest(0), stale, noon, noon.Add(day)))
		want("trusted by a sign-in from before the new password", 0, "alice", noon.Add(time.Minute), false)
		trust(0, noon.Add(time.Minute))
		must(t, s.Accounts.SetDisabled(t.Context(), "alice", true, noon.Add(2*time.Minute)))
		must(t, s.Accounts.SetDisabled(t.Context(), "alice", false, noon.Add(3*time.Minute)))
		want("after the account was disabled", 0, "alice", noon.Add(3*time.Minute), false)

		for i := range 25 {
			trust(i, noon.Add(time.Duration(i)*time.Second))
		}
		want("the 21st newest", 4, "alice", noon, false)
		want("the 20th newest", 5, "alice", noon, true)
		must(t, s.TrustedDevices.DeleteTrustedDevices(t.Context(), "alice"))
		want("after its end", 24, "alice", noon, false)
	})
}

// With mail, each change adds a message for each verified address of the account, in the
// same transaction.
func TestSecondFactorChangesAreMailed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		factors := factorsOf(s)
		mailed := func() (list []string) {
			t.Helper()
			all, err := s.Mails.ListMails(t.Context(), store.MailFilter{}, "", 100)
			must(t, err)
			for _, m := range all {
				list = append(list, fmt.Sprint(m.Kind, " ", m.To, " ", m.Subject, " ", m.Data))
			}
			slices.Sort(list)
			return list
		}
		_, err := s.Accounts.ChangeAccount(t.Context(), "alice", noon, func(a *account.Account) error {
			return errors.Join(a.AddAddress("alice@other.example", noon), a.AddAddress("unverified@other.example", time.Time{}))
		})
		must(t, err)
		enrol(t, factors, "alice", noon)
		wantSame(t, "messages without mail", mailed(), []string(nil))
		s.NotifyUsers()

		secret := enrol(t, factors, "alice", noon)
		wantErr(t, "a code again", factors.VerifyTOTP(t.Context(), "alice", totp.Code(secret, totp.Step(noon)), noon), secondfactor.ErrReplayed)
		codes, err := factors.GenerateRecoveryCodes(t.Context(), "alice", noon)
		must(t, err)
		_, err = factors.VerifyRecoveryCode(t.Context(), "alice", codes[0], noon)
		must(t, err)
		_, err = factors.VerifyRecoveryCode(t.Context(), "alice", codes[0], noon)
		wantErr(t, "a recovery code again", err, secondfactor.ErrReplayed)
		set, err := factors.Enrolled(t.Context(), "alice")
		must(t, err)
		for range 2 { // the second time there is none
			err = s.SecondFactors.RemoveCredential(t.Context(), "alice", set.Authenticators[0].ID, noon)
		}
		wantErr(t, "remove it again", err, credential.ErrNotFound)
		must(t, s.SecondFactors.RemoveCredential(t.Context(), "alice", credential.RecoveryCodesID, noon))
		var want []string
		for _, to := range []string{"alice@example.org", "alice@other.example"} {
			for _, message := range []string{
				"credential-added %s alice map[credential:recovery_codes detail: username:name-of-alice]",
				"credential-added %s alice map[credential:totp detail:phone username:name-of-alice]",
				"credential-removed %s alice map[credential:recovery_codes detail: username:name-of-alice]",
				"credential-removed %s alice map[credential:totp detail:phone username:name-of-alice]",
				"recovery-code-used %s alice map[detail:9 username:name-of-alice]",
			} {
				want = append(want, fmt.Sprintf(message, to))
			}
		}
		slices.Sort(want)
		wantSame(t, "messages", mailed(), want)
	})
}

// After a reseal the second factors work without the old system secret.
func TestSecondFactorsAreResealed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		old := factorsOf(s)
		secrets, codes := map[string][]byte{}, map[string][]string{}
		var err error
		for _, subject := range []string{"alice", "bob"} {
			enrol(t, old, subject, noon)
			secrets[subject] = enrol(t, old, subject, noon)
			codes[subject], err = old.GenerateRecoveryCodes(t.Context(), subject, noon)
			must(t, err)
		}
		both := systemSecrets(strings.Repeat("next", 8))
		for _, want := range []int{6, 0} {
			count, err := secondfactor.Reseal(t.Context(), s.SecondFactors, both)
			must(t, err)
			wantSame(t, "values resealed", count, want)
		}
		next, err := keyring.New(strings.Repeat("next", 8))
		must(t, err)
		later := noon.Add(time.Minute)
		for subject, secret := range secrets {
			renewed := &secondfactor.Service{Store: s.SecondFactors, Secrets: next}
			must(t, renewed.VerifyTOTP(t.Context(), subject, totp.Code(secret, totp.Step(later)), later))
			_, err = renewed.VerifyRecoveryCode(t.Context(), subject, codes[subject][0], later)
			must(t, err)
		}
	})
}

// Expired trusted devices are purged.
func TestPurgeOfSecondFactors(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		must(t, s.TrustedDevices.InsertTrustedDevice(t.Context(), []byte{1}, fixture.Account("alice"), noon, noon.Add(day)))
		purged, err := s.Purge(t.Context(), noon.Add(time.Hour))
		must(t, err)
		wantSame(t, "rows purged while it is live or recent", purged.Rows, int64(0))
		purged, err = s.Purge(t.Context(), noon.Add(25*time.Hour))
		must(t, err)
		wantSame(t, "rows purged", purged.Rows, int64(1))
	})
}

// useSecondFactors enrols the account in all second factors and uses them once.
func useSecondFactors(t *testing.T, s *store.Store, subject string) {
	t.Helper()
	factors := factorsOf(s)
	secret, later := enrol(t, factors, subject, noon), noon.Add(time.Minute)
	must(t, factors.VerifyTOTP(t.Context(), subject, totp.Code(secret, totp.Step(later)), later))
	codes, err := factors.GenerateRecoveryCodes(t.Context(), subject, noon)
	must(t, err)
	_, err = factors.VerifyRecoveryCode(t.Context(), subject, codes[0], noon)
	must(t, err)
	must(t, s.TrustedDevices.InsertTrustedDevice(t.Context(), session.Hash(subject), fixture.Account(subject), noon, noon.Add(day)))
	_, err = s.TrustedDevices.TrustedDevice(t.Context(), session.Hash(subject), subject, noon)
	must(t, err)
	set, err := factors.Enrolled(t.Context(), subject)
	must(t, err)
	must(t, factors.RemoveTOTP(t.Context(), subject, set.Authenticators[0].ID, noon))
}
