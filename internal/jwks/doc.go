// Package jwks keeps the signing keys: it makes, rotates, seals and publishes
// them, signs with them and verifies what they signed.
package jwks
