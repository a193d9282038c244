//go:build unix

package server

import "syscall"

// withPrivateUmask runs act with a umask that gives new files to the current user only. No
// other goroutine creates files at startup.
func withPrivateUmask(act func()) {
	before := syscall.Umask(0o177)
	defer syscall.Umask(before)
	act()
}
