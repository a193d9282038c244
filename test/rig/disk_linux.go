package rig

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// blockFileSizeSignal runs a program whose writes beyond the limit of [replica.limitFiles]
// fail, rather than end it.
func blockFileSizeSignal() []string { return []string{"env", "--block-signal=XFSZ"} }

// limitFiles bounds the files that the process writes, in bytes.
func (r *replica) limitFiles(size uint64) error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.process == nil {
		return fmt.Errorf("limit the files of %s: it does not run", r.name)
	}
	limit := unix.Rlimit{Cur: size, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(r.process.Process.Pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		return fmt.Errorf("limit the files of %s: %w", r.name, err)
	}
	return nil
}
