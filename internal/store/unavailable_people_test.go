package store_test

import (
	"context"
	"errors"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/activity"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/datafile"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/onetimelink"
	"github.com/ostiary/ostiary/internal/passkey"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// peopleMethods are the methods for accounts, their credentials, mails and activity.
var peopleMethods = map[string]call{
	"AccountBySignInName": func(ctx context.Context, s *store.Store) error {
		_, err := s.Accounts.AccountBySignInName(ctx, "alice")
		return err
	},
	"AddFailures": func(ctx context.Context, s *store.Store) error {
		return s.Activity.AddFailures(ctx, []*activity.Event{{ID: "1", Subject: "alice", At: noon, Count: 1}})
	},
	"RequestDataFile": func(ctx context.Context, s *store.Store) error {
		return s.DataFiles.RequestDataFile(ctx, "alice", noon, 1)
	},
	"DataFile": func(ctx context.Context, s *store.Store) error {
		_, err := s.DataFiles.DataFile(ctx, "alice", noon)
		return err
	},
	"DataFileContent": func(ctx context.Context, s *store.Store) error {
		_, err := s.DataFiles.DataFileContent(ctx, "alice", noon)
		return err
	},
	"ClaimDataFile": func(ctx context.Context, s *store.Store) error {
		_, err := s.DataFiles.ClaimDataFile(ctx, noon, noon)
		return err
	},
	"SaveDataFile": func(ctx context.Context, s *store.Store) error {
		return s.DataFiles.SaveDataFile(ctx, &datafile.File{Subject: "alice"}, nil)
	},
	"ListActivity": func(ctx context.Context, s *store.Store) error {
		_, err := s.Activity.ListActivity(ctx, "alice", "", 1)
		return err
	},
	"RequestDeletion": func(ctx context.Context, s *store.Store) error {
		return s.Accounts.RequestDeletion(ctx, "alice", noon)
	},
	"DisownChange": func(ctx context.Context, s *store.Store) error {
		l := &onetimelink.Link{Kind: onetimelink.NotMe, Subject: "alice"}
		return s.OneTimeLinks.DisownChange(ctx, l, l, noon)
	},
	"UndoDeletion": func(ctx context.Context, s *store.Store) error {
		return s.OneTimeLinks.UndoDeletion(ctx, &onetimelink.Link{Kind: onetimelink.UndoDeletion, Subject: "alice"}, noon)
	},
	"DeleteGroup": func(ctx context.Context, s *store.Store) error { return s.Groups.DeleteGroup(ctx, "staff") },
	"SearchAccounts": func(ctx context.Context, s *store.Store) error {
		_, _, err := s.Accounts.SearchAccounts(ctx, account.Filter{Text: "a", Group: "staff"}, "", 1)
		return err
	},
	"RewriteStaleWords": func(ctx context.Context, s *store.Store) error {
		_, err := s.SearchWords.RewriteStaleWords(ctx)
		return err
	},
	"Groups": func(ctx context.Context, s *store.Store) error {
		_, err := s.Groups.Groups(ctx, []string{"staff"})
		return err
	},
	"UpdateGroup": func(ctx context.Context, s *store.Store) error {
		return s.Groups.UpdateGroup(ctx, &account.Group{Name: "staff"}, nil)
	},
	"InsertAttribute": func(ctx context.Context, s *store.Store) error {
		return s.Attributes.InsertAttribute(ctx, &account.Attribute{Name: "team"})
	},
	"UpdateAttribute": func(ctx context.Context, s *store.Store) error {
		return s.Attributes.UpdateAttribute(ctx, &account.Attribute{Name: "team"}, nil)
	},
	"DeleteAttribute": func(ctx context.Context, s *store.Store) error { return s.Attributes.DeleteAttribute(ctx, "team") },
	"ListAttributes": func(ctx context.Context, s *store.Store) error {
		_, err := s.Attributes.ListAttributes(ctx)
		return err
	},
	"InsertGroup": func(ctx context.Context, s *store.Store) error {
		return s.Groups.InsertGroup(ctx, &account.Group{Name: "staff"})
	},
	"ListGroups": func(ctx context.Context, s *store.Store) error {
		_, err := s.Groups.ListGroups(ctx, "", 1)
		return err
	},
	"ClaimMail": func(ctx context.Context, s *store.Store) error {
		_, err := s.Mails.ClaimMail(ctx, noon, noon)
		return err
	},
	"EndMail": func(ctx context.Context, s *store.Store) error {
		return s.Mails.EndMail(ctx, &mail.Message{ID: "1"}, mail.Sent, noon)
	},
	"EnqueueMail": func(ctx context.Context, s *store.Store) error {
		return s.Mails.EnqueueMail(ctx, &mail.Message{ID: "1", Subject: "alice"})
	},
	"MailsInState": func(ctx context.Context, s *store.Store) error {
		_, err := s.Mails.MailsInState(ctx, "failed", nil, 1)
		return err
	},
	"RetryMail": func(ctx context.Context, s *store.Store) error { return s.Mails.RetryMail(ctx, "id", noon) },
	"RetryFailedMails": func(ctx context.Context, s *store.Store) error {
		_, err := s.Mails.RetryFailedMails(ctx, noon)
		return err
	},
	"ListMails": func(ctx context.Context, s *store.Store) error {
		_, err := s.Mails.ListMails(ctx, store.MailFilter{}, "", 1)
		return err
	},
	"NextMail": func(ctx context.Context, s *store.Store) error {
		_, err := s.Mails.NextMail(ctx)
		return err
	},
	"CountMails": func(ctx context.Context, s *store.Store) error {
		_, err := s.Mails.CountMails(ctx, "failed", 1)
		return err
	},
	"PendingMails": func(ctx context.Context, s *store.Store) error {
		_, err := s.Mails.PendingMails(ctx)
		return err
	},
	"PostponeMail": func(ctx context.Context, s *store.Store) error {
		return s.Mails.PostponeMail(ctx, &mail.Message{ID: "1"}, noon)
	},
	"Credentials": func(ctx context.Context, s *store.Store) error {
		_, err := s.Passkeys.Credentials(ctx, "alice")
		_, other := s.SecondFactors.Credentials(ctx, "alice")
		return errors.Join(err, other)
	},
	"RemoveCredential": func(ctx context.Context, s *store.Store) error {
		return errors.Join(s.Passkeys.RemoveCredential(ctx, "alice", "AAAA", noon), s.SecondFactors.RemoveCredential(ctx, "alice", "1", noon))
	},
	"InsertPasskey": func(ctx context.Context, s *store.Store) error {
		return s.Passkeys.InsertPasskey(ctx, &passkey.Registration{Passkey: &passkey.Passkey{Subject: "alice"}}, noon)
	},
	"OfferPasskey": func(ctx context.Context, s *store.Store) error {
		_, err := s.Passkeys.OfferPasskey(ctx, "alice", "id.example.org", noon, noon)
		return err
	},
	"UseSecurityKey": func(ctx context.Context, s *store.Store) error {
		return s.Sessions.UseSecurityKey(ctx, "request", &passkey.Use{Passkey: &passkey.Passkey{Subject: "alice"}})
	},
	"OtherRPID": func(ctx context.Context, s *store.Store) error {
		_, err := s.Passkeys.OtherRPID(ctx, "localhost")
		return err
	},
	"PasskeyExists": func(ctx context.Context, s *store.Store) error {
		_, err := s.Passkeys.PasskeyExists(ctx, []byte("id"))
		return err
	},
	"PasskeysByHandle": func(ctx context.Context, s *store.Store) error {
		_, _, err := s.Passkeys.PasskeysByHandle(ctx, []byte("handle"))
		return err
	},
	"PasskeysOf": func(ctx context.Context, s *store.Store) error {
		_, err := s.Passkeys.PasskeysOf(ctx, "alice")
		return err
	},
	"RemovePasskeys": func(ctx context.Context, s *store.Store) error {
		return s.Passkeys.RemovePasskeys(ctx, "alice", [][]byte{{1}}, noon)
	},
	"RenamePasskey": func(ctx context.Context, s *store.Store) error {
		return s.Passkeys.RenamePasskey(ctx, "alice", "AAAA", "label")
	},
	"RecordPartialConsent": func(ctx context.Context, s *store.Store) error {
		return s.Requests.RecordPartialConsent(ctx, "request", "openid", "alice", &consent.Consent{Subject: "alice"}, noon)
	},
	"SignInWithPasskey": func(ctx context.Context, s *store.Store) error {
		return s.Sessions.SignInWithPasskey(ctx, session.PasskeySignIn{Session: &session.Session{ID: "sid", Subject: "alice"}, Account: fixture.Account("alice"), Use: &passkey.Use{Passkey: &passkey.Passkey{}}})
	},
}
