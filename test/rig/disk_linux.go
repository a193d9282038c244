package rig

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// blockFileSizeSignal returns a command prefix that makes writes beyond the limit of
// [replica.limitFiles] fail instead of killing the process.
func blockFileSizeSignal() []string { return []string{"env", "--block-signal=XFSZ"} }

// limitFiles limits the size of files that the process writes, in bytes.
func (r *replica) limitFiles(size uint64) error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.process == nil {
		return fmt.Errorf("limit the files of %s: it is not running", r.name)
	}
	limit := unix.Rlimit{Cur: size, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(r.process.Process.Pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		return fmt.Errorf("limit the files of %s: %w", r.name, err)
	}
	return nil
}
