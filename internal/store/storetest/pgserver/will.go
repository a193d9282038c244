package pgserver

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"syscall"
)

// lastWill is a small process that waits for ours to end, then ends the server
// and removes its directory.
//
// It learns of the end by its standard input closing, which the kernel sees to
// even when this process is killed. A tidy end goes the same way, so that the
// way which matters is the way that is always taken.
type lastWill struct {
	executor *exec.Cmd
	says     io.WriteCloser
	execute  func() error
}

// testament reads the process id of the running server, or an empty line when
// none runs, until its input ends. SIGQUIT is PostgreSQL's immediate shutdown;
// postmaster.pid goes with the server, while its process id may linger where
// nobody reaps it. initdb may be writing still, hence the second try.
const testament = `
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

// writeWill starts the executor, in a session of its own so that what ends this
// process and its group leaves it alone.
func writeWill(ctx context.Context, dir string) (*lastWill, error) {
	executor := exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh", "-c", testament, "sh", dir) //nolint:gosec // a directory of this program
	executor.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	says, err := executor.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("open the last will: %w", err)
	}
	if err := executor.Start(); err != nil {
		return nil, fmt.Errorf("start the last will: %w", err)
	}
	will := &lastWill{executor: executor, says: says}
	will.execute = sync.OnceValue(will.carryOut)
	return will, nil
}

// name says which process is the server.
func (w *lastWill) name(pid int) error {
	if _, err := fmt.Fprintln(w.says, pid); err != nil {
		return fmt.Errorf("name the server in the last will: %w", err)
	}
	return nil
}

// forget says that the server has ended: its process id may soon be another's.
func (w *lastWill) forget() error {
	if _, err := fmt.Fprintln(w.says); err != nil {
		return fmt.Errorf("forget the server in the last will: %w", err)
	}
	return nil
}

func (w *lastWill) carryOut() error {
	if err := w.says.Close(); err != nil {
		return fmt.Errorf("close the last will: %w", err)
	}
	if err := w.executor.Wait(); err != nil {
		return fmt.Errorf("carry out the last will: %w", err)
	}
	return nil
}
