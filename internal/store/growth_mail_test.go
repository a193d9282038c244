package store_test

import (
	"strconv"
	"time"

	"github.com/ostiary/ostiary/internal/datafile"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/onetimelink"
	"github.com/ostiary/ostiary/internal/signup"
)

// recoveries simulates a message with a link that its recipient does not open, an invitation and a
// sign-up.
func (y *year) recoveries() {
	ctx := y.t.Context()
	message := mail.New(mail.Recover, "ada@rp.example", y.now)
	message.Anonymous = true
	must(y.t, y.s.Mails.EnqueueMail(ctx, message))
	message, err := y.s.Mails.ClaimMail(ctx, y.now, y.now.Add(time.Minute))
	must(y.t, err)
	link, _ := onetimelink.New(onetimelink.Recover, "alice", message.To, y.now)
	must(y.t, y.s.OneTimeLinks.InsertLink(ctx, link))
	must(y.t, y.s.Mails.EndMail(ctx, message, mail.Sent, y.now))
	y.put("mails", day+rowStays)
	invitation, _ := onetimelink.New(onetimelink.Invitation, "", message.To, y.now)
	must(y.t, y.s.OneTimeLinks.InsertLink(ctx, invitation))
	y.put("one_time_links", onetimelink.InvitationLifetime+rowStays)
	must(y.t, y.s.SignUps.InsertSignUp(ctx, aSignUp(strconv.Itoa(y.steps), y.now)))
	y.put("sign_ups", signup.Lifetime+rowStays)
	if y.steps%8 == 0 {
		y.dataFile()
	}
}

// dataFile makes a file with the data of an account.
func (y *year) dataFile() {
	ctx := y.t.Context()
	must(y.t, y.s.DataFiles.RequestDataFile(ctx, "alice", y.now, datafile.MaxFiles))
	file, err := y.s.DataFiles.ClaimDataFile(ctx, y.now, y.now.Add(time.Minute))
	must(y.t, err)
	file.MadeAt, file.ExpiresAt = y.now, y.now.Add(datafile.Lifetime)
	must(y.t, y.s.DataFiles.SaveDataFile(ctx, file, make([]byte, 1000)))
	y.put("data_files", datafile.Lifetime+rowStays)
	y.put("activity", 365*day+rowStays) // the request
}
