package grant

// IsOfflineScope reports whether a scope asks for access while the person is away: it is
// offline_access (OpenID Connect Core section 11), or offline, as clients of Ory Hydra
// call it.
func IsOfflineScope(scope string) bool { return scope == "offline_access" || scope == "offline" }
