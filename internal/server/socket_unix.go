//go:build unix

package server

import "syscall"

// privately runs act, which makes a file, so that nobody else may open it. The process
// has only begun and makes no other file meanwhile.
func privately(act func()) {
	before := syscall.Umask(0o177)
	defer syscall.Umask(before)
	act()
}
