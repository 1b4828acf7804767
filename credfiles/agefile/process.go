package agefile

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"time"
)

// Argument is the one argument with which a program is started that is to be
// the other end of a [Process]: it calls [Main] then, and nothing else.
const Argument = "open-or-seal-from-stdin"

// Process opens and seals in processes of this program's own, one at a time,
// each of which ends with its answer. Passphrase and contents go through pipes,
// never through arguments, environment or files. The program has to call [Main]
// when it finds [Argument].
type Process struct {
	// Program is what to run; empty: this program itself.
	Program string
}

// patience bounds one process. What Codex chooses, 2^18 to 2^20, was seen to
// take up to 5 s on a small and busy server; 2^22 takes four times as long.
const patience = 2 * time.Minute

// turn is held by the one process that runs: two would need twice the memory.
var turn = make(chan struct{}, 1)

// Open returns what is in a file. The error is one of the package's, or says
// why there was no answer: ctx was done, or the system ended the process.
func (p Process) Open(ctx context.Context, sealed []byte, passphrase string) ([]byte, error) {
	if _, err := WorkFactor(sealed); err != nil {
		return nil, err // not worth a process
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	done, err := takeTurn(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	cmd, err := p.command(ctx)
	if err != nil {
		return nil, err
	}
	var plain bytes.Buffer
	cmd.Stdin, cmd.Stdout = bytes.NewReader(question(0, passphrase, sealed)), &plain
	if err := ended(ctx, cmd.Run()); err != nil {
		return nil, err
	}
	return plain.Bytes(), nil
}

// takeTurn waits until no other process computes.
func takeTurn(ctx context.Context) (done func(), err error) {
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// ended is why a process gave no answer; nil if it did.
func ended(ctx context.Context, err error) error {
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &exit) && errorOf[exit.ExitCode()] != nil:
		return errorOf[exit.ExitCode()]
	case err != nil:
		return failed(err)
	}
	return nil
}

// failed hides what kind of error the system gave: a program that is not there
// must not look like a file that is not.
func failed(err error) error {
	return fmt.Errorf("the process that works on the encrypted file: %v", err)
}

func (p Process) command(ctx context.Context) (*exec.Cmd, error) {
	name := p.Program
	switch {
	case name != "":
	case runtime.GOOS == "linux":
		name = "/proc/self/exe" // an update may have taken the file's place
	default:
		var err error
		if name, err = os.Executable(); err != nil {
			return nil, failed(err)
		}
	}
	cmd := exec.CommandContext(ctx, name, Argument)
	if p.Program == "" {
		cmd.Args[0] = os.Args[0]
	}
	cmd.Env = []string{} // it needs nothing of ours
	cmd.WaitDelay = time.Second
	return cmd, nil
}

// Exit codes of Main. What Go itself exits with when it dies is 2.
const (
	exitOther = 1
	exitError = 10 // and up: errorOf
)

var errorOf = map[int]error{exitError: ErrFormat, exitError + 1: ErrPassphrase, exitError + 2: ErrWorkFactor, exitError + 3: ErrDamaged}

// Main is the other end of a [Process] or a [Sealer]: it answers one question
// and returns the code to exit with.
func Main(in io.Reader, out io.Writer) int {
	goFirst()
	err := answer(in, out)
	if err == nil {
		return 0
	}
	for code, known := range errorOf {
		if errors.Is(err, known) {
			return code
		}
	}
	return exitOther
}

func answer(in io.Reader, out io.Writer) error {
	workFactor, passphrase, err := readQuestion(in)
	if err != nil {
		return err
	}
	if workFactor == 0 {
		sealed, err := readPart(in)
		if err != nil {
			return err
		}
		plain, err := Open(sealed, passphrase)
		if err == nil {
			_, err = out.Write(plain)
		}
		return err
	}
	var sealed bytes.Buffer
	w, err := sealing(&sealed, passphrase, workFactor)
	if err != nil {
		return err
	}
	// What is left to do needs next to nothing, but may be long in coming.
	debug.FreeOSMemory()
	if _, err := out.Write([]byte{isReady}); err != nil {
		return err
	}
	plain, err := readPart(in)
	if err != nil {
		return err
	}
	if err := finish(w, plain); err != nil {
		return err
	}
	_, err = out.Write(sealed.Bytes())
	return err
}

// isReady is what a process writes that has the key and waits for the content.
const isReady = 1

// question is what goes to the other process: the work factor, 0 to open, then
// the passphrase and the content, each after its length.
func question(workFactor int, passphrase string, content []byte) []byte {
	return append(part(binary.LittleEndian.AppendUint32(nil, uint32(workFactor)), []byte(passphrase)), part(nil, content)...)
}

func part(to, content []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(to, uint32(len(content))), content...)
}

func readQuestion(in io.Reader) (workFactor int, passphrase string, err error) {
	var n uint32
	if err := binary.Read(in, binary.LittleEndian, &n); err != nil {
		return 0, "", err
	}
	text, err := readPart(in)
	return int(n), string(text), err
}

func readPart(in io.Reader) ([]byte, error) {
	var n uint32
	if err := binary.Read(in, binary.LittleEndian, &n); err != nil {
		return nil, err
	}
	if n > 2*maxSize {
		return nil, errors.New("too large")
	}
	text := make([]byte, n)
	_, err := io.ReadFull(in, text)
	return text, err
}
