package admin

import (
	"net/http"
	"slices"

	"github.com/ostiary/ostiary/internal/apikey"
)

// Operations returns the table. Nobody changes it.
func (h *Handler) Operations() []Operation { return h.operations }

// table joins what each family of endpoints brings.
func (h *Handler) table() []Operation {
	return slices.Concat(
		h.loginOperations(),
		h.consentOperations(),
		h.logoutOperations(),
		h.deviceOperations(),
		h.keySetOperations(),
		h.issuerOperations(),
		h.clientOperations(),
		h.scopeOperations(),
		h.consentSessionOperations(),
		h.loginSessionOperations(),
		h.tokenOperations(),
		h.auditOperations(),
		h.refusalOperations(),
		h.metaOperations(),
	)
}

func (h *Handler) loginOperations() []Operation {
	if !h.LoginApp {
		return nil
	}
	const path = "/oauth2/auth/requests/login"
	asked := challengeParameters(loginChallenge)
	return []Operation{{
		ID: "getOAuth2LoginRequest", Method: http.MethodGet, Path: path, Scope: apikey.RequestsRead,
		Summary: "What a login app is asked.", Query: asked,
		Answers: map[int]any{http.StatusOK: loginRequest{}, http.StatusGone: redirect{}},
		Do:      h.loginRequest,
	}, {
		ID: "acceptOAuth2LoginRequest", Method: http.MethodPut, Path: path + "/accept", Scope: apikey.RequestsWrite,
		Summary: "The login app says who has signed in.", Query: asked, Body: acceptLogin{},
		Answers: map[int]any{http.StatusOK: redirect{}, http.StatusGone: redirect{}},
		Action:  "login.accept",
		Do:      h.acceptLogin,
	}, {
		ID: "rejectOAuth2LoginRequest", Method: http.MethodPut, Path: path + "/reject", Scope: apikey.RequestsWrite,
		Summary: "The login app says that nobody has signed in.", Query: asked, Body: reject{},
		Answers: map[int]any{http.StatusOK: redirect{}, http.StatusGone: redirect{}},
		Action:  "login.reject",
		Do:      h.rejectLogin,
	}}
}

func (h *Handler) consentOperations() []Operation {
	if !h.ConsentApp {
		return nil
	}
	const path = "/oauth2/auth/requests/consent"
	asked := challengeParameters(consentChallenge)
	return []Operation{{
		ID: "getOAuth2ConsentRequest", Method: http.MethodGet, Path: path, Scope: apikey.RequestsRead,
		Summary: "What a consent app is asked.", Query: asked,
		Answers: map[int]any{http.StatusOK: consentRequest{}, http.StatusGone: redirect{}},
		Do:      h.consentRequest,
	}, {
		ID: "acceptOAuth2ConsentRequest", Method: http.MethodPut, Path: path + "/accept", Scope: apikey.RequestsWrite,
		Summary: "The consent app says what the person allows.", Query: asked, Body: acceptConsent{},
		Answers: map[int]any{http.StatusOK: redirect{}, http.StatusGone: redirect{}},
		Do:      h.acceptConsent,
	}, {
		ID: "rejectOAuth2ConsentRequest", Method: http.MethodPut, Path: path + "/reject", Scope: apikey.RequestsWrite,
		Summary: "The consent app says that the person allows nothing.", Query: asked, Body: reject{},
		Answers: map[int]any{http.StatusOK: redirect{}, http.StatusGone: redirect{}},
		Do:      h.rejectConsent,
	}}
}

func (h *Handler) logoutOperations() []Operation {
	if !h.LogoutApp {
		return nil
	}
	const path = "/oauth2/auth/requests/logout"
	asked := challengeParameters(logoutChallenge)
	return []Operation{{
		ID: "getOAuth2LogoutRequest", Method: http.MethodGet, Path: path, Scope: apikey.RequestsRead,
		Summary: "What a sign-out app is asked.", Query: asked,
		Answers: map[int]any{http.StatusOK: logoutRequest{}, http.StatusGone: redirect{}},
		Do:      h.logoutRequest,
	}, {
		ID: "acceptOAuth2LogoutRequest", Method: http.MethodPut, Path: path + "/accept", Scope: apikey.RequestsWrite,
		Summary: "The sign-out app says that the person agrees.", Query: asked,
		Answers: map[int]any{http.StatusOK: redirect{}, http.StatusGone: redirect{}},
		Do:      h.acceptLogout,
	}, {
		ID: "rejectOAuth2LogoutRequest", Method: http.MethodPut, Path: path + "/reject", Scope: apikey.RequestsWrite,
		Summary: "The sign-out app says that the person stays.", Query: asked,
		Answers: map[int]any{http.StatusNoContent: nil, http.StatusGone: redirect{}},
		Do:      h.rejectLogout,
	}}
}

func challengeParameters(name string) []Parameter {
	return []Parameter{
		{Name: name, Type: "string", Required: true, Meaning: "The challenge that the person brought to the app."},
		{Name: "challenge", Type: "string", Meaning: "The same, under its older name."},
	}
}

// metaOperations are about the server itself. It mounts them beside the table, as they
// are the same on its other listener.
func (h *Handler) metaOperations() []Operation {
	type status struct {
		Status string `json:"status"`
	}
	type problems struct {
		Errors map[string]string `json:"errors"`
	}
	type version struct {
		Version string `json:"version"`
	}
	return []Operation{{
		ID: "isAlive", Method: http.MethodGet, Path: "/health/alive", Summary: "Whether the process runs.",
		Answers: map[int]any{http.StatusOK: status{}},
	}, {
		ID: "isReady", Method: http.MethodGet, Path: "/health/ready", Summary: "Whether requests are welcome.",
		Answers: map[int]any{http.StatusOK: status{}, http.StatusServiceUnavailable: problems{}},
	}, {
		ID: "getVersion", Method: http.MethodGet, Path: "/version", Summary: "Which version runs.",
		Answers: map[int]any{http.StatusOK: version{}},
	}, {
		ID: "getMetrics", Method: http.MethodGet, Path: "/metrics", Summary: "What the server has done, for Prometheus, as text.",
		Answers: map[int]any{http.StatusOK: nil},
	}, {
		ID: "getPrometheusMetrics", Method: http.MethodGet, Path: "/metrics/prometheus", Summary: "The same.",
		Answers: map[int]any{http.StatusOK: nil},
	}}
}
