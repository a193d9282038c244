package rig

import "syscall"

// attributes make a process exit with the tests, even if those are killed, and keep
// keyboard interrupts from it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
