package store_test

import (
	"strconv"
	"time"

	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/onetimelink"
	"github.com/ostiary/ostiary/internal/signup"
)

// recoveries simulates a message with a link that its recipient does not open, and an invitation.
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
}
