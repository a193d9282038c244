package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

// openConsole opens a pseudo-terminal and returns the ends of the user and of the program.
func openConsole(t *testing.T) (user, program *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = user.Close() })
	var number, unlocked uint32
	for request, value := range map[uintptr]*uint32{syscall.TIOCSPTLCK: &unlocked, syscall.TIOCGPTN: &number} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, user.Fd(), request, uintptr(unsafe.Pointer(value))); errno != 0 {
			t.Fatal(errno)
		}
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return user, program
}

// converse runs a command on a terminal and returns everything that the terminal showed. The
// dialogue is pairs of a prompt and the input to type when it appears.
func converse(ctx context.Context, sh *clitest.Shell, args []string, dialogue ...string) (shown string, code int) {
	sh.T.Helper()
	user, program := openConsole(sh.T)
	var out bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(ctx, servertest.Version, append(append([]string{}, sh.Settings...), args...), cli.Streams{program, &out, program})
		fmt.Fprint(program, "\x04")
	}()
	screen := bufio.NewReader(user)
	var all strings.Builder
	for i := 0; i+1 < len(dialogue); i += 2 {
		for !strings.HasSuffix(all.String(), dialogue[i]) {
			r, _, err := screen.ReadRune()
			if err != nil || r == '\x04' {
				sh.T.Fatalf("the terminal shows %q and never %q (%v)", all.String(), dialogue[i], err)
			}
			all.WriteRune(r)
		}
		if _, err := user.WriteString(dialogue[i+1]); err != nil {
			sh.T.Fatal(err)
		}
	}
	rest, err := screen.ReadString('\x04')
	if err != nil {
		sh.T.Fatal(err)
	}
	return all.String() + rest + out.String(), <-ended
}

func TestPasswordPromptDoesNotEcho(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	args := []string{"users", "create", "jo"}
	shown, code := converse(t.Context(), sh, args, "Password: ", "correct horse\r", "Repeat password: ", "correct horse\r")
	if code != 0 || !signsIn(sh, "jo", "correct horse") {
		t.Errorf("exit code %d: %s", code, shown)
	}
	servertest.Lacks(t, shown, "correct horse")

	args = []string{"users", "set-password", "jo"}
	shown, code = converse(t.Context(), sh, args, "Password: ", "battery staple\r", "Repeat password: ", "battery stable\r")
	if code != 1 || !signsIn(sh, "jo", "correct horse") {
		t.Errorf("two different passwords gave exit code %d: %s", code, shown)
	}
	servertest.Contains(t, shown, "do not match")
}

func TestDeleteNeedsConfirmation(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	sh.Must("clients", "create", "--id=app", "--name=My App", "--grant-type=client_credentials")
	args := []string{"clients", "delete", "app"}
	if shown, code := converse(t.Context(), sh, args, "(My App) and all of its tokens? Type yes: ", "no\n"); code != 1 {
		t.Errorf("no was taken for yes: %s", shown)
	}
	sh.Must("clients", "get", "app")
	if shown, code := converse(t.Context(), sh, args, "Type yes: ", "YES\n"); code != 0 {
		t.Errorf("yes was taken for no: %s", shown)
	}
	sh.MustFail("clients", "get", "app")
}

func TestConfirmationCanBeInterrupted(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	shown, code := converse(t.Context(), sh, []string{"users", "create", "jo"}, "Password: ", "corr\x03")
	if code != 1 {
		t.Errorf("Ctrl+C gave exit code %d: %s", code, shown)
	}
	servertest.Contains(t, shown, "no password entered")

	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if shown, code := converse(ctx, sh, []string{"users", "create", "jo"}); code != 1 {
		t.Errorf("the end of the process gave exit code %d: %s", code, shown)
	}
	sh.MustFail("users", "disable", "jo")
}

func TestProgressIsShownOnTerminalsOnly(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	file := sh.WriteFile("users.json", goodUsers)
	shown, code := converse(t.Context(), sh, []string{"users", "import", file})
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, shown)
	}
	servertest.Contains(t, shown, "users: 1 of 3", "users: 3 of 3", "3 created")
	if got := sh.Run("users", "import", file); got.Err != "" {
		t.Errorf("without a terminal the import says %q", got.Err)
	}
}
