//go:build !linux

package rig

import "errors"

func blockFileSizeSignal() []string { return nil }

func (*replica) limitFiles(uint64) error {
	return errors.New("only Linux limits the files of another process")
}
