package server

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/ostiary/ostiary/internal/config"
)

// mountLinkPages mounts the pages that one-time links open, and that ask for one.
func mountLinkPages(s *Server, own chi.Router, pages, passwords func(http.HandlerFunc) http.Handler) {
	if s.Config.LoginURL != "" {
		return
	}
	own.HandleFunc(pathRecover, byMethod(map[string]http.Handler{
		http.MethodGet: pages(s.login.Recover.Page), http.MethodPost: passwords(s.login.Recover.Submit),
	}))
	if s.Config.SignInCode && s.Config.HasMail() {
		own.HandleFunc(pathCode, byMethod(map[string]http.Handler{
			http.MethodGet: pages(s.login.Code.Page), http.MethodPost: pages(s.login.Code.Submit),
		}))
	}
	own.HandleFunc(pathVerifyAddress, byMethod(map[string]http.Handler{
		http.MethodGet: pages(s.login.Verify.Page), http.MethodPost: pages(s.login.Verify.Submit),
	}))
	own.HandleFunc(pathNotMe, byMethod(map[string]http.Handler{
		http.MethodGet: pages(s.login.NotMe.Page), http.MethodPost: pages(s.login.NotMe.Submit),
	}))
	own.HandleFunc(pathUndo, byMethod(map[string]http.Handler{
		http.MethodGet: pages(s.login.Undo.Page), http.MethodPost: pages(s.login.Undo.Submit),
	}))
	if s.Config.SignUp != config.SignUpOff {
		own.HandleFunc(pathInvitation, byMethod(map[string]http.Handler{
			http.MethodGet: pages(s.login.Invitation.Page), http.MethodPost: passwords(s.login.Invitation.Submit),
		}))
	}
}
