//go:build !linux

package rig

import "syscall"

// attributes keep keyboard interrupts from a process.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
