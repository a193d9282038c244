package login

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/signup"
)

// submitUnverified stores a submitted form until its user has confirmed the address. The
// response, its time and the stored rows depend neither on whether an account has the address
// nor on whether the username is taken.
func (h *SignUp) submitUnverified(w http.ResponseWriter, r *http.Request, f *flow) {
	if err := h.storeUnverified(w, r, f); err != nil {
		h.finish(w, r, f, err)
		return
	}
	httpapi.SeeOther(w, h.Issuer+"/verify")
}

func (h *SignUp) storeUnverified(w http.ResponseWriter, r *http.Request, f *flow) error {
	ctx := r.Context()
	username, claims, phc, err := h.read(r, f)
	if err != nil {
		return err
	}
	address, _ := claims["email"].(string)
	key, err := account.AddressKey(address)
	if err != nil {
		return &fieldError{"email", messages.New("sign-up.email-required")}
	}
	delete(claims, "email")
	delete(claims, "email_verified")
	now := h.Now()
	pending := &signup.SignUp{
		ID: signup.NewID(), Browser: session.LinkCookies{Cookies: h.Cookies}.SetSignUp(w, signup.Lifetime), Request: f.request.ID,
		Username: username, PasswordHash: phc, Claims: claims, Address: address, Remember: remember(r), TermsVersion: h.Terms.Version,
		CreatedAt: now, ExpiresAt: now.Add(signup.Lifetime),
	}
	allowed, err := h.limits.allowMail(ctx, "sign-up", key)
	if err != nil {
		return err
	}
	var message []*mail.Message
	if allowed {
		m := mail.New(mail.SignUp, address, now)
		m.Anonymous, m.Language, m.Data = true, h.Pages.Language(f.localize(r)), map[string]string{"sign_up": pending.ID}
		if !f.isForAccountConsole() {
			m.Data["client"] = pages.Clean(f.client.Name(), 64)
		}
		message = append(message, m)
	}
	if err := h.SignUps.InsertSignUp(ctx, pending, message...); err != nil {
		return fmt.Errorf("insert sign-up: %w", err)
	}
	h.Outbox.Wake()
	return nil
}

// checkDomain returns a [*fieldError] if the address of the claims is in none of the domains in
// which users may sign up.
func (h *SignUp) checkDomain(claims map[string]any) error {
	if len(h.SignUpDomains) == 0 {
		return nil
	}
	address, _ := claims["email"].(string)
	key, err := account.AddressKey(address)
	if err != nil {
		return &fieldError{"email", messages.New("sign-up.email-required")}
	}
	if _, domain, _ := strings.Cut(key, "@"); !slices.Contains(h.SignUpDomains, domain) {
		return &fieldError{"email", messages.New("sign-up.email-domain")}
	}
	return nil
}
