package pages

import (
	"strings"

	"github.com/ostiary/ostiary/internal/activity"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// EventText returns an event of an account in words, for its user. Detail is that of the event, or the
// name of the client that it is about; count is how many failed sign-ins it stands for.
func EventText(kind activity.Kind, detail string, count int) messages.Message {
	switch kind {
	case activity.SignedIn:
		return messages.New("account.activity.signed-in")
	case activity.SignInFailed:
		return messages.New("account.activity.sign-in-failed", "n", count)
	case activity.PasswordChanged:
		return messages.New("account.activity.password-changed")
	case activity.RecoveryCodeUsed:
		return messages.New("account.activity.recovery-code-used")
	case activity.Locked:
		return messages.New("account.activity.locked")
	case activity.Unlocked:
		return messages.New("account.activity.unlocked")
	case activity.PasswordBreached:
		return messages.New("account.activity.password-breached")
	case activity.TermsAccepted:
		return messages.New("account.activity.terms-accepted", "version", detail)
	case activity.Disowned:
		return messages.New("account.activity.disowned")
	case activity.DeletionRequested:
		return messages.New("account.activity.deletion-requested")
	case activity.DeletionUndone:
		return messages.New("account.activity.deletion-undone")
	case activity.DataRequested:
		return messages.New("account.activity.data-requested")
	case activity.ProfileChanged:
		return messages.New("account.activity.profile-changed")
	case activity.AddressAdded:
		return messages.New("account.activity.address-added", "email", detail)
	case activity.AddressVerified:
		return messages.New("account.activity.address-verified", "email", detail)
	case activity.AddressRemoved:
		return messages.New("account.activity.address-removed", "email", detail)
	case activity.PrimaryChanged:
		return messages.New("account.activity.primary-changed", "email", detail)
	case activity.CredentialAdded:
		return messages.New("account.activity.added", "credential", credentialText(detail))
	case activity.CredentialRemoved:
		return messages.New("account.activity.removed", "credential", credentialText(detail))
	case activity.ConsentGiven:
		return messages.New("account.activity.consent-given", "client", detail)
	case activity.ConsentWithdrawn:
		return messages.New("account.revoked", "client", detail)
	default:
		return messages.Literal(strings.ReplaceAll(string(kind), "_", " "))
	}
}

// EventTextOfUser is [EventText] for an administrator who reads the events of a user.
func EventTextOfUser(kind activity.Kind, detail string, count int) messages.Message {
	switch kind { //nolint:exhaustive // the texts of the others name nobody
	case activity.PasswordBreached:
		return messages.New("console.event.password-breached")
	case activity.Disowned:
		return messages.New("console.event.disowned")
	case activity.DataRequested:
		return messages.New("console.event.data-requested")
	case activity.ConsentGiven:
		return messages.New("console.event.consent-given", "client", detail)
	case activity.ConsentWithdrawn:
		return messages.New("console.event.consent-withdrawn", "client", detail)
	}
	return EventText(kind, detail, count)
}

// credentialText returns the kind of a credential in words, with its label.
func credentialText(detail string) messages.Message {
	kind, label, _ := strings.Cut(detail, " ")
	name := messages.Literal(kind)
	switch credential.Kind(kind) {
	case credential.TOTP:
		name = messages.New("authenticator.title")
	case credential.RecoveryCodes:
		name = messages.New("recovery-codes.title")
	case credential.Passkey:
		name = messages.New("account.activity.passkey")
	case credential.SecurityKey:
		name = messages.New("account.activity.security-key")
	case credential.Password:
		name = messages.New("account.password")
	}
	if label == "" {
		return name
	}
	return messages.New("account.activity.labelled", "credential", name, "label", label)
}
