//go:build !linux

package rig

import "syscall"

// attributes keep an interrupt from the keyboard to the tests alone.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
