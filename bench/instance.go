package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/ostiary/ostiary/bench/target"
	"github.com/ostiary/ostiary/internal/store/storetest/pgserver"
	"github.com/ostiary/ostiary/test/rig/binary"
)

// processTimeout is the longest wait for a process to start or stop.
const processTimeout = time.Minute

// instanceOptions describe the Ostiary to start.
type instanceOptions struct {
	// Binary is the path of a built server; empty builds this checkout.
	Binary string
	// Engine is postgres or sqlite.
	Engine string
	// Env has settings, with or without the prefix OSTIARY_.
	Env map[string]string
	// Count loads pg_stat_statements.
	Count bool
	// IDTokenAlg is the signing algorithm of the clients' ID tokens.
	IDTokenAlg string
	// LoginApp configures the load generator as the login app, in place of the pages.
	LoginApp bool
	// Database is the URL of an existing database; empty creates one.
	Database string
}

// instance is an Ostiary that was started for the measurement, with its database.
type instance struct {
	spec target.Spec

	dir      string
	binary   string
	env      []string
	settings map[string]string
	process  *exec.Cmd
	ended    chan struct{}
	database *pgserver.Server
}

// startInstance builds and starts Ostiary, and imports clients and users.
func startInstance(ctx context.Context, o instanceOptions) (*instance, error) {
	dir, err := os.MkdirTemp("", "ostiary-bench-")
	if err != nil {
		return nil, fmt.Errorf("create a directory: %w", err)
	}
	s := &instance{dir: dir, binary: o.Binary}
	if err := s.setUp(ctx, o); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *instance) setUp(ctx context.Context, o instanceOptions) error {
	if s.binary == "" {
		var err error
		if s.binary, err = binary.Build(ctx, s.dir); err != nil {
			return err
		}
	}
	databaseURL, err := s.openDatabase(ctx, o)
	if err != nil {
		return err
	}
	if err := s.configure(databaseURL, o); err != nil {
		return err
	}
	s.spec.Name, s.spec.Issuer = "ostiary", s.settings["ISSUER"]
	if err := s.command(ctx, "migrate", "up"); err != nil {
		return err
	}
	if err := s.populate(ctx, o.IDTokenAlg); err != nil {
		return err
	}
	return s.start(ctx)
}

// openDatabase creates an empty database, unless one is given. PostgreSQL runs with
// fsync, as in production.
func (s *instance) openDatabase(ctx context.Context, o instanceOptions) (string, error) {
	if o.Database != "" {
		if !strings.HasPrefix(o.Database, "sqlite:") {
			s.spec.Database = o.Database
		}
		return o.Database, nil
	}
	if o.Engine == "sqlite" {
		return "sqlite:" + filepath.Join(s.dir, "ostiary.db"), nil
	}
	var settings []string
	if o.Count {
		settings = []string{"shared_preload_libraries=pg_stat_statements", "pg_stat_statements.track_utility=off"}
	}
	var err error
	if s.database, err = pgserver.Start(ctx, true, settings...); err != nil {
		return "", fmt.Errorf("start PostgreSQL: %w", err)
	}
	s.spec.Database = s.database.URL("postgres")
	url, err := s.database.CreateDatabase(ctx)
	if err != nil {
		return "", fmt.Errorf("create a database: %w", err)
	}
	return url, nil
}

// configure sets the environment of the server. Rate limits are off, because all
// callers share one address. Password hashing has the lowest cost that is allowed,
// because otherwise it dominates the cost of a sign-in.
func (s *instance) configure(databaseURL string, o instanceOptions) error {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	s.settings = map[string]string{
		"ISSUER": "http://" + address, "LISTEN": address, "ADMIN_LISTEN": "off",
		"DATABASE_URL": databaseURL, "SYSTEM_SECRETS": randomText(), "RATE_LIMITS": "off", "LOG_LEVEL": "warn",
		"SHUTDOWN_DELAY": "0s", "ARGON2_MEMORY_MIB": "19", "ARGON2_ITERATIONS": "2",
	}
	if o.LoginApp {
		if err := s.configureLoginApp(); err != nil {
			return err
		}
	}
	for name, value := range o.Env {
		s.settings[strings.TrimPrefix(name, "OSTIARY_")] = value
	}
	s.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "TMPDIR=" + s.dir}
	for name, value := range s.settings {
		s.env = append(s.env, "OSTIARY_"+name+"="+value)
	}
	for _, name := range []string{"GOMAXPROCS", "GOGC", "GOMEMLIMIT", "GODEBUG"} {
		if value, set := os.LookupEnv(name); set {
			s.env = append(s.env, name+"="+value)
		}
	}
	return nil
}

// configureLoginApp configures the load generator as the login and consent app. No
// server listens at its URLs, since the generator does not follow redirects to them.
func (s *instance) configureLoginApp() error {
	admin, err := freeAddress()
	if err != nil {
		return err
	}
	s.settings["ADMIN_LISTEN"], s.settings["ADMIN_AUTH"] = admin, "none"
	s.settings["LOGIN_URL"], s.settings["CONSENT_URL"] = "http://127.0.0.1:1/login", "http://127.0.0.1:1/consent"
	s.spec.LoginApp = &target.LoginApp{Admin: "http://" + admin}
	return nil
}

// command runs a command of the server and waits for it.
func (s *instance) command(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, s.binary, args...) //nolint:gosec // the binary under test
	cmd.Env = s.env
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ostiary %s: %w\n%s", strings.Join(args, " "), err, output)
	}
	return nil
}

// start starts the server and waits until it is ready.
func (s *instance) start(ctx context.Context) error {
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	defer log.Close()                          //nolint:errcheck // the process has a duplicate of the descriptor
	process := exec.Command(s.binary, "serve") //nolint:noctx,gosec // stop terminates it
	process.Env, process.Stdout, process.Stderr = s.env, log, log
	process.SysProcAttr = attributes()
	if err := process.Start(); err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = process.Wait() // the exit status does not matter
	}()
	s.process, s.ended, s.spec.ServerPID = process, ended, process.Process.Pid
	return s.awaitReady(ctx)
}

func (s *instance) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, processTimeout)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.spec.Issuer+"/health/ready", http.NoBody)
		if err != nil {
			return fmt.Errorf("await the server: %w", err)
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close() //nolint:errcheck,gosec // the body is not used
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-s.ended:
			return fmt.Errorf("the server exited during startup:\n%s", s.log())
		case <-ctx.Done():
			return fmt.Errorf("the server is not ready: %w\n%s", ctx.Err(), s.log())
		case <-time.After(time.Millisecond):
		}
	}
}

// log returns the end of the server's log, which has warnings and errors only.
func (s *instance) log() string {
	const maxBytes = 4000
	text, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		return ""
	}
	return string(text[max(0, len(text)-maxBytes):])
}

// stop terminates the server, if it is running.
func (s *instance) stop() error {
	if s.process == nil {
		return nil
	}
	_ = s.process.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
		s.process = nil
		return nil
	case <-time.After(processTimeout):
		_ = s.process.Process.Kill()
		<-s.ended
		s.process = nil
		return fmt.Errorf("the server did not stop within %s", processTimeout)
	}
}

// close stops the server and its database, and removes their files.
func (s *instance) close() error {
	errs := []error{s.stop()}
	if s.database != nil {
		errs = append(errs, s.database.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // does not block
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return listener.Addr().String(), listener.Close()
}
