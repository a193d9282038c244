// Package oauth2 holds what the OAuth 2.0 endpoints share: the error codes, the error
// response, and parameters that several endpoints read.
//
// Each endpoint is a package: authorize, token, introspection, revocation and deviceauth. They
// do not import each other. They declare their dependencies as small interfaces, which package
// server implements. Only package engine imports fosite.
//
//	GET /oauth2/auth ── checks ── dispatch ──┬── 303 /login?request=ID ──┐
//	     ▲                                   ├── 303 /consent?request=ID ┤
//	     └────────── ?continue=ID ───────────┼───────────────────────────┘
//	                                         └── grant ── engine ── response
//
//	POST /oauth2/token ── authenticate ── check ── hooks ── redeem ── downscope ── issue ── response
package oauth2
