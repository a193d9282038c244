// Package pgserver runs a private PostgreSQL for tests and hands out databases
// on it.
//
// The server listens only on a Unix socket in a new temporary directory. It ends when the
// process that started it ends or is killed, and its directory is removed: see
// [watchdog].
package pgserver

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience bounds every wait for the server; a loaded machine needs a second or two.
const patience = time.Minute

// Server is one PostgreSQL with its data. Its methods are for one goroutine.
type Server struct {
	bin      string
	dir      string
	durable  bool
	further  []string
	account  *syscall.Credential
	watchdog *watchdog

	process *exec.Cmd
	ended   chan struct{}
}

// Start makes an empty server and returns it ready for connections.
//
// A durable server waits for the disk as a production server does. Any other keeps
// its files in memory if possible, and loses them if the machine fails.
// Further settings, as in name=value, take precedence.
func Start(ctx context.Context, durable bool, further ...string) (*Server, error) {
	bin, err := find()
	if err != nil {
		return nil, err
	}
	account, err := unprivileged()
	if err != nil {
		return nil, err
	}
	parent := "" // the system's directory for temporary files
	if !durable {
		parent = memoryDir()
	}
	dir, err := os.MkdirTemp(parent, "ostiary-postgres-")
	if err != nil {
		return nil, fmt.Errorf("create the directory for PostgreSQL: %w", err)
	}
	watch, err := startWatchdog(ctx, dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}

	s := &Server{bin: bin, dir: dir, durable: durable, further: further, account: account, watchdog: watch}
	if err := s.create(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.Restart(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// URL names a database on the server.
func (s *Server) URL(database string) string {
	socket := url.Values{"host": {s.dir}}
	return "postgres://" + superuser + "@/" + database + "?" + socket.Encode()
}

// CreateDatabase creates an empty database and returns its URL.
func (s *Server) CreateDatabase(ctx context.Context) (string, error) {
	databases, err := Connect(ctx, s.URL("postgres"))
	if err != nil {
		return "", err
	}
	defer databases.Close()
	return databases.Create(ctx)
}

// FilesDir returns a directory for files of tests, next to the server's data: in memory if
// the data is, and removed with the server.
func (s *Server) FilesDir() (string, error) {
	dir := filepath.Join(s.dir, "files")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make a directory for files: %w", err)
	}
	return dir, nil
}

// Restart ends the server if it runs and starts it again on the same data, after
// a [Server.Kill] through crash recovery.
func (s *Server) Restart(ctx context.Context) error {
	if err := s.Stop(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()

	for {
		err := s.launch(ctx)
		if err == nil {
			return nil
		}
		// The backends of a killed server keep its shared memory for a moment,
		// and a new server fails to start until they have ended.
		select {
		case <-ctx.Done():
			return fmt.Errorf("start PostgreSQL: %w\n%s", err, s.logTail())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Stop ends the server in order: sessions are cut off, everything acknowledged
// is on disk. The data stays for [Server.Restart].
func (s *Server) Stop() error {
	return s.end(syscall.SIGINT)
}

// Kill ends the server with SIGKILL, as a crash does.
func (s *Server) Kill() error {
	return s.end(syscall.SIGKILL)
}

// Close ends the server and removes its data.
func (s *Server) Close() error {
	return s.watchdog.stop()
}

// create initializes the data directory. The socket needs no password because only
// the server's account and root can enter its directory.
func (s *Server) create(ctx context.Context) error {
	if s.account != nil {
		if err := os.Chown(s.dir, int(s.account.Uid), int(s.account.Gid)); err != nil {
			return fmt.Errorf("give PostgreSQL its directory: %w", err)
		}
	}
	initdb := s.command(ctx, "initdb", "--pgdata", s.data(), "--username", superuser,
		"--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync")
	if output, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("run initdb: %w\n%s", err, output)
	}
	return nil
}

// launch starts the server once and waits until it answers.
func (s *Server) launch(ctx context.Context) error {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the log of PostgreSQL: %w", err)
	}
	defer log.Close() //nolint:errcheck // the server has a duplicate of the descriptor

	// A deadline on starting must not end the server once it has started.
	server := s.command(context.WithoutCancel(ctx), "postgres", s.settings()...)
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		return fmt.Errorf("run postgres: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Wait() // ended says all there is to know; the log has the reason
	}()
	s.process, s.ended = server, ended
	if err := s.watchdog.setServer(server.Process.Pid); err != nil {
		return err
	}
	return s.awaitAnswer(ctx)
}

func (s *Server) settings() []string {
	settings := []string{
		"-D", s.data(),
		"-c", "listen_addresses=",
		"-c", "unix_socket_directories=" + s.dir,
		"-c", "max_connections=500",
		"-c", "timezone=UTC",
	}
	if !s.durable {
		settings = append(settings, "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off",
			"-c", "max_wal_size=256MB") // it may be in memory
	}
	for _, setting := range s.further {
		settings = append(settings, "-c", setting)
	}
	return settings
}

func (s *Server) awaitAnswer(ctx context.Context) error {
	for {
		conn, err := pgx.Connect(ctx, s.URL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-s.ended:
			return errors.New("postgres ended while starting")
		case <-ctx.Done():
			return fmt.Errorf("wait for PostgreSQL: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// end signals the server, if one runs, and waits until it has ended.
func (s *Server) end(signal syscall.Signal) error {
	if s.process == nil {
		return nil
	}
	if err := s.process.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end PostgreSQL: %w", err)
	}
	select {
	case <-s.ended:
	case <-time.After(patience):
		return fmt.Errorf("end PostgreSQL: still running %v after %v", patience, signal)
	}
	s.process = nil
	return s.watchdog.clearServer()
}

// command prepares one of PostgreSQL's programs in a new process session, so that
// an interrupt from the keyboard reaches the tests and not their server.
func (s *Server) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, name), args...) //nolint:gosec // the path comes from find
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.account, Setsid: true}
	return cmd
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// logTail returns the end of the server's log, which explains a failed start.
func (s *Server) logTail() []byte {
	const enough = 2000
	text, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		return nil
	}
	return text[max(0, len(text)-enough):]
}
