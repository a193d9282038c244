// Package manage holds the changes that operators make, each written once with its
// validation and its audit events. The command line, the admin API, client registration and
// imports call it and only translate input and output.
//
// A change that is one call of a domain type or the store has no function here, since that
// call is the one place: rotating, importing and withdrawing signing keys (jwks.Manager),
// revoking the consents and grants of a user, the grants of a session and the tokens of a
// client (the store), ending all sessions of a user (session.Manager), trusting an issuer
// (trustedissuer.Trust.Check and the store), and deletions.
//
// The package imports domain packages, and config for the suggestion of similar names. It
// declares the interfaces of the stores that it needs, and knows neither HTTP nor SQL.
package manage
