package grant

// IsOfflineScope reports whether scope requests a refresh token: offline_access, or offline
// as clients of Ory Hydra spell it.
//
// Spec: OpenID Connect Core §11.
func IsOfflineScope(scope string) bool { return scope == "offline_access" || scope == "offline" }
