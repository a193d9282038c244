//go:build !unix

package server

// withPrivateUmask runs act: this system has no umask.
func withPrivateUmask(act func()) { act() }
