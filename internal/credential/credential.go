// Package credential holds what accounts authenticate with, and hashes passwords.
package credential
