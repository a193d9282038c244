//go:build !linux

package pgserver

// memoryDir returns "": only Linux has a directory in memory on every machine.
func memoryDir() string { return "" }
