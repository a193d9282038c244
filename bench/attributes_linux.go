package main

import "syscall"

// attributes let a server die with the generator, however that ends, and keep an
// interrupt from the keyboard to the generator alone.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
