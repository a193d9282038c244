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
)

// patience bounds every wait for a process.
const patience = time.Minute

// standOptions say which Ostiary to run.
type standOptions struct {
	// Binary is a built server, empty for that of this checkout.
	Binary string
	// Engine is postgres or sqlite.
	Engine string
	// Env are settings, with or without the prefix OSTIARY_.
	Env map[string]string
	// Count loads pg_stat_statements.
	Count bool
	// IDTokenAlg is what clients are registered with.
	IDTokenAlg string
	// LoginApp has people signed in by the generator, in place of the pages.
	LoginApp bool
	// Database is one that is there already, empty for a fresh one.
	Database string
}

// stand is an Ostiary that runs for the measurement, with its database.
type stand struct {
	spec target.Spec

	dir      string
	binary   string
	env      []string
	settings map[string]string
	process  *exec.Cmd
	ended    chan struct{}
	database *pgserver.Server
}

// raise builds and starts Ostiary, and makes clients and people known to it.
func raise(ctx context.Context, o standOptions) (*stand, error) {
	dir, err := os.MkdirTemp("", "ostiary-bench-")
	if err != nil {
		return nil, fmt.Errorf("make room: %w", err)
	}
	s := &stand{dir: dir, binary: o.Binary}
	if err := s.raise(ctx, o); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *stand) raise(ctx context.Context, o standOptions) error {
	if s.binary == "" {
		if err := s.build(ctx); err != nil {
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

// build builds the server as it is shipped.
func (s *stand) build(ctx context.Context) error {
	s.binary = filepath.Join(s.dir, "ostiary")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", s.binary, "github.com/ostiary/ostiary/cmd/server") //nolint:gosec // our own
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the server: %w\n%s", err, output)
	}
	return nil
}

// openDatabase makes an empty database, unless one is given. PostgreSQL waits for
// the disk, as one in production does.
func (s *stand) openDatabase(ctx context.Context, o standOptions) (string, error) {
	if o.Database != "" {
		if !strings.HasPrefix(o.Database, "sqlite:") {
			s.spec.Database = o.Database
		}
		return o.Database, nil
	}
	if o.Engine == "sqlite" {
		return "sqlite:" + filepath.Join(s.dir, "ostiary.db"), nil
	}
	var further []string
	if o.Count {
		further = []string{"shared_preload_libraries=pg_stat_statements", "pg_stat_statements.track_utility=off"}
	}
	var err error
	if s.database, err = pgserver.Start(ctx, true, further...); err != nil {
		return "", fmt.Errorf("start PostgreSQL: %w", err)
	}
	s.spec.Database = s.database.URL("postgres")
	url, err := pgserver.Create(ctx, s.database.URL("postgres"))
	if err != nil {
		return "", fmt.Errorf("make a database: %w", err)
	}
	return url, nil
}

// configure writes the environment of the server. Limits are off, because all
// callers come from one address and would be taken for one; passwords are hashed
// as cheaply as is allowed, because otherwise nothing else of a sign-in shows.
func (s *stand) configure(databaseURL string, o standOptions) error {
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
		if err := s.leaveSignInToApp(); err != nil {
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

// leaveSignInToApp makes the generator the app that signs people in and asks for
// consent. Nobody listens at its URLs, since the generator does not follow them.
func (s *stand) leaveSignInToApp() error {
	admin, err := freeAddress()
	if err != nil {
		return err
	}
	s.settings["ADMIN_LISTEN"], s.settings["ADMIN_AUTH"] = admin, "none"
	s.settings["LOGIN_URL"], s.settings["CONSENT_URL"] = "http://127.0.0.1:1/login", "http://127.0.0.1:1/consent"
	s.spec.LoginApp = &target.LoginApp{Admin: "http://" + admin}
	return nil
}

// command runs a command of the server's to its end.
func (s *stand) command(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, s.binary, args...) //nolint:gosec // our own
	cmd.Env = s.env
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ostiary %s: %w\n%s", strings.Join(args, " "), err, output)
	}
	return nil
}

// start starts the server and returns when it is ready.
func (s *stand) start(ctx context.Context) error {
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	defer log.Close()                          //nolint:errcheck // the process writes through a copy of its own
	process := exec.Command(s.binary, "serve") //nolint:noctx,gosec // ended by stop
	process.Env, process.Stdout, process.Stderr = s.env, log, log
	process.SysProcAttr = attributes()
	if err := process.Start(); err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = process.Wait() // that it ended is all there is to know
	}()
	s.process, s.ended, s.spec.ServerPID = process, ended, process.Process.Pid
	return s.awaitReady(ctx)
}

func (s *stand) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.spec.Issuer+"/health/ready", http.NoBody)
		if err != nil {
			return fmt.Errorf("await the server: %w", err)
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close() //nolint:errcheck,gosec // nothing is read
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-s.ended:
			return fmt.Errorf("the server ended while starting:\n%s", s.log())
		case <-ctx.Done():
			return fmt.Errorf("the server is not ready: %w\n%s", ctx.Err(), s.log())
		case <-time.After(time.Millisecond):
		}
	}
}

// log returns what the server wrote, which is only what went wrong.
func (s *stand) log() string {
	const enough = 4000
	text, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		return ""
	}
	return string(text[max(0, len(text)-enough):])
}

// stop ends the server, if it runs.
func (s *stand) stop() error {
	if s.process == nil {
		return nil
	}
	_ = s.process.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
		s.process = nil
		return nil
	case <-time.After(patience):
		_ = s.process.Process.Kill() // it had its chance
		<-s.ended
		s.process = nil
		return errors.New("the server did not end")
	}
}

// close ends the server and its database, and removes what they left.
func (s *stand) close() error {
	faults := []error{s.stop()}
	if s.database != nil {
		faults = append(faults, s.database.Close())
	}
	return errors.Join(append(faults, os.RemoveAll(s.dir))...)
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // at once
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return listener.Addr().String(), listener.Close()
}
