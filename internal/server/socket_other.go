//go:build !unix

package server

// privately runs act: this system has no mode for new files.
func privately(act func()) { act() }
