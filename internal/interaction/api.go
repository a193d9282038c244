package interaction

import "net/http"

// SignInPage serves GET /login.
func (h *Handler) SignInPage(w http.ResponseWriter, r *http.Request) {}

// SignIn serves POST /login.
func (h *Handler) SignIn(w http.ResponseWriter, r *http.Request) {}

// ConsentPage serves GET /consent.
func (h *Handler) ConsentPage(w http.ResponseWriter, r *http.Request) {}

// Consent serves POST /consent.
func (h *Handler) Consent(w http.ResponseWriter, r *http.Request) {}

// SetupPage serves GET /setup.
func (h *Handler) SetupPage(w http.ResponseWriter, r *http.Request) {}

// Setup serves POST /setup.
func (h *Handler) Setup(w http.ResponseWriter, r *http.Request) {}

// Home serves GET /.
func (h *Handler) Home(w http.ResponseWriter, r *http.Request) {}
