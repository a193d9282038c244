package rig

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// replica is a process of the server, which can be restarted.
type replica struct {
	name    string
	socket  string
	log     string
	health  *http.Client
	tls     bool        // it speaks TLS on its sockets
	wrapper []string    // the program and arguments that run the server
	ready   atomic.Bool // as of the last probe

	mutex   sync.Mutex
	process *exec.Cmd // nil if it is not running
	exited  chan struct{}
}

// start starts the process.
func (r *replica) start(binary string, env []string) error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.process != nil {
		return fmt.Errorf("start %s: it is already running", r.name)
	}
	log, err := os.OpenFile(r.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the log of %s: %w", r.name, err)
	}
	defer log.Close() //nolint:errcheck // the process has a duplicate of the descriptor

	command := append(slices.Clone(r.wrapper), binary, "serve", "--migrate")
	process := exec.Command(command[0], command[1:]...) //nolint:gosec,noctx // the binary under test; kill and stop terminate it
	process.Env, process.Stdout, process.Stderr = env, log, log
	process.SysProcAttr = attributes()
	if err := process.Start(); err != nil {
		return fmt.Errorf("start %s: %w", r.name, err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = process.Wait() // end reads ProcessState
	}()
	r.process, r.exited = process, ended
	return nil
}

// awaitReady waits until the process reports that it is ready.
func (r *replica) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, processTimeout)
	defer cancel()
	r.mutex.Lock()
	ended := r.exited
	r.mutex.Unlock()
	for !r.probe(ctx) {
		select {
		case <-ended:
			return fmt.Errorf("%s exited during startup:\n%s", r.name, tail(r.logged()))
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w\n%s", r.name, ctx.Err(), tail(r.logged()))
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// probe updates the readiness of the replica for the balancer.
func (r *replica) probe(ctx context.Context) bool {
	ready := r.isReady(ctx)
	r.ready.Store(ready)
	return ready
}

func (r *replica) isReady(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/health/ready", http.NoBody)
	if err != nil {
		return false
	}
	resp, err := r.health.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	return resp.StatusCode == http.StatusOK
}

// kill terminates the process with SIGKILL.
func (r *replica) kill() error {
	_, err := r.end(syscall.SIGKILL)
	return err
}

// signal sends a signal to the process, which keeps running.
func (r *replica) signal(signal syscall.Signal) error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.process == nil {
		return fmt.Errorf("signal %s: it is not running", r.name)
	}
	if err := r.process.Process.Signal(signal); err != nil {
		return fmt.Errorf("signal %s: %w", r.name, err)
	}
	return nil
}

// stop terminates the process gracefully.
func (r *replica) stop() error {
	state, err := r.end(syscall.SIGTERM)
	if err != nil {
		return err
	}
	if state != nil && state.ExitCode() != 0 {
		return fmt.Errorf("%s exited with %v:\n%s", r.name, state, tail(r.logged()))
	}
	return nil
}

// end sends a signal to the process, if it is running, and waits for its exit.
func (r *replica) end(signal syscall.Signal) (*os.ProcessState, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.process == nil {
		return nil, nil
	}
	process := r.process
	if err := process.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return nil, fmt.Errorf("end %s: %w", r.name, err)
	}
	_ = process.Process.Signal(syscall.SIGCONT) // a suspended process does not exit
	select {
	case <-r.exited:
	case <-time.After(processTimeout):
		_ = process.Process.Kill()
		<-r.exited
		return nil, fmt.Errorf("%s did not exit within %v after %v:\n%s", r.name, processTimeout, signal, tail(r.logged()))
	}
	r.process = nil
	r.ready.Store(false)
	return process.ProcessState, nil
}

func (r *replica) logged() string {
	text, err := os.ReadFile(r.log)
	if err != nil {
		return ""
	}
	return string(text)
}
