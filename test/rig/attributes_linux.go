package rig

import "syscall"

// attributes let a process die with the tests, however those end, and keep an
// interrupt from the keyboard to the tests alone.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
