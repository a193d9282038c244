package pgserver

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"syscall"
)

// watchdog is a process that stops the server and removes its directory when this process
// ends.
//
// It waits for the end of its standard input, which the kernel closes even if this process is
// killed. A regular stop uses the same mechanism, so that every test covers it.
type watchdog struct {
	process *exec.Cmd
	input   io.WriteCloser
	stop    func() error
}

// watchdogScript reads process ids until its input ends. The last line is the process id of the
// server, or empty if no server runs. SIGQUIT is PostgreSQL's immediate shutdown. The
// script waits for the removal of postmaster.pid, because the process id may exist longer
// if the parent does not reap it. It repeats rm because initdb may still write files.
const watchdogScript = `
while read -r line; do server=$line; done
if [ -n "$server" ] && kill -QUIT "$server"; then
	for _ in $(seq 200); do
		[ -e "$1/data/postmaster.pid" ] || break
		sleep 0.05
	done
fi
for _ in $(seq 100); do
	rm -rf "$1" && exit
	sleep 0.1
done
exit 1
`

// startWatchdog starts the watchdog of dir in a new process session, so that a signal to this process's
// group does not reach it.
func startWatchdog(ctx context.Context, dir string) (*watchdog, error) {
	process := exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh", "-c", watchdogScript, "sh", dir) //nolint:gosec // a directory of this program
	process.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	input, err := process.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("open the input of the watchdog: %w", err)
	}
	if err := process.Start(); err != nil {
		return nil, fmt.Errorf("start the watchdog: %w", err)
	}
	w := &watchdog{process: process, input: input}
	w.stop = sync.OnceValue(w.closeAndWait)
	return w, nil
}

// setServer makes the watchdog stop the server with the process id.
func (w *watchdog) setServer(pid int) error {
	if _, err := fmt.Fprintln(w.input, pid); err != nil {
		return fmt.Errorf("pass the server's process id to the watchdog: %w", err)
	}
	return nil
}

// clearServer reports the end of the server, whose process id the kernel may reuse.
func (w *watchdog) clearServer() error {
	if _, err := fmt.Fprintln(w.input); err != nil {
		return fmt.Errorf("report the server's end to the watchdog: %w", err)
	}
	return nil
}

// closeAndWait lets the watchdog stop the server and remove its directory, and waits for both.
func (w *watchdog) closeAndWait() error {
	if err := w.input.Close(); err != nil {
		return fmt.Errorf("close the input of the watchdog: %w", err)
	}
	if err := w.process.Wait(); err != nil {
		return fmt.Errorf("wait for the watchdog: %w", err)
	}
	return nil
}
