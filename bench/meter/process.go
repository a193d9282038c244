package meter

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ticks is how many of the kernel's units of processor time make a second. It is
// the same on every Linux that Go runs on.
const ticks = 100

// stat is what /proc/PID/stat tells of a process.
type stat struct {
	parent int
	own    time.Duration // of the process
	ended  time.Duration // of children that it has waited for
}

// processTime is the processor time of a process and of all its children, also of
// those that have ended.
func processTime(pid int) (time.Duration, error) {
	root, err := readStat(pid)
	if err != nil {
		return 0, err
	}
	total := root.own + root.ended
	paths, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, fmt.Errorf("list processes: %w", err)
	}
	for _, path := range paths {
		child, err := strconv.Atoi(filepath.Base(path))
		if err != nil {
			continue
		}
		s, err := readStat(child)
		if err == nil && s.parent == pid {
			total += s.own + s.ended
		}
	}
	return total, nil
}

func readStat(pid int) (*stat, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %d", errNoProcess, pid)
	}
	if err != nil {
		return nil, fmt.Errorf("read process: %w", err)
	}
	return parseStat(text)
}

// parseStat reads the fields after the command, which is in parentheses and may
// hold anything (proc_pid_stat(5)).
func parseStat(text []byte) (*stat, error) {
	const parent, userTime, childSystemTime = 1, 11, 14 // counted from the state
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) <= childSystemTime {
		return nil, errors.New("read process: too few fields")
	}
	var s stat
	var err error
	if s.parent, err = strconv.Atoi(fields[parent]); err != nil {
		return nil, fmt.Errorf("read process: %w", err)
	}
	var times [4]time.Duration
	for i := range times {
		n, err := strconv.ParseInt(fields[userTime+i], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("read process: %w", err)
		}
		times[i] = time.Duration(n) * time.Second / ticks
	}
	s.own, s.ended = times[0]+times[1], times[2]+times[3]
	return &s, nil
}

// ownTime is the processor time of this process.
func ownTime() (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("getrusage: %w", err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}

// ResetPeak makes [Meter.Peak] forget what was before. Where that is not allowed,
// the peak is that of the process's whole life.
func (m *Meter) ResetPeak() {
	if m.server != 0 {
		_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", m.server), []byte("5"), 0o200)
	}
}

// Peak is the most memory that the server has held since [Meter.ResetPeak], in
// bytes, and 0 when nobody knows.
func (m *Meter) Peak() int64 { return m.memory("VmHWM:") }

// Memory is what the server holds now, in bytes, and 0 when nobody knows.
func (m *Meter) Memory() int64 { return m.memory("VmRSS:") }

func (m *Meter) memory(field string) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.server))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		value, found := strings.CutPrefix(line, field)
		if !found {
			continue
		}
		kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return 0
		}
		return kilobytes << 10
	}
	return 0
}
