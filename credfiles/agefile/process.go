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
	return p.ask(ctx, question{open: true, passphrase: passphrase, content: sealed})
}

// Seal makes a file. Errors are those of Open.
func (p Process) Seal(ctx context.Context, plain []byte, passphrase string, workFactor int) ([]byte, error) {
	if workFactor < 1 || workFactor > MaxWorkFactor {
		return nil, ErrWorkFactor
	}
	return p.ask(ctx, question{workFactor: workFactor, passphrase: passphrase, content: plain})
}

func (p Process) ask(ctx context.Context, q question) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	cmd, err := p.command(ctx)
	if err != nil {
		return nil, err
	}
	var answer bytes.Buffer
	cmd.Stdin, cmd.Stdout = bytes.NewReader(q.bytes()), &answer
	cmd.Env = []string{} // it needs nothing of ours
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &exit) && errorOf[exit.ExitCode()] != nil:
		return nil, errorOf[exit.ExitCode()]
	case err != nil:
		return nil, fmt.Errorf("the process that works on the encrypted file: %w", err)
	}
	return answer.Bytes(), nil
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
			return nil, err
		}
	}
	cmd := exec.CommandContext(ctx, name, Argument)
	if p.Program == "" {
		cmd.Args[0] = os.Args[0]
	}
	return cmd, nil
}

// Exit codes of Main. What Go itself exits with when it dies is 2.
const (
	exitOther = 1
	exitError = 10 // and up: errorOf
)

var errorOf = map[int]error{exitError: ErrFormat, exitError + 1: ErrPassphrase, exitError + 2: ErrWorkFactor, exitError + 3: ErrDamaged}

// Main is the other end of a [Process]: it reads one question, writes the
// answer, and returns the code to exit with.
func Main(in io.Reader, out io.Writer) int {
	goFirst()
	q, err := readQuestion(in)
	if err != nil {
		return exitOther
	}
	var answer []byte
	if q.open {
		answer, err = Open(q.content, q.passphrase)
	} else {
		answer, err = Seal(q.content, q.passphrase, q.workFactor)
	}
	if err == nil {
		_, err = out.Write(answer)
	}
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

// A question is what goes to the other process: three numbers, the
// passphrase, the content.
type question struct {
	open       bool
	workFactor int
	passphrase string
	content    []byte
}

// numbers are the work factor, 0 to open, and two lengths.
type numbers struct{ WorkFactor, Passphrase, Content uint32 }

func (q question) bytes() []byte {
	n := numbers{uint32(q.workFactor), uint32(len(q.passphrase)), uint32(len(q.content))}
	text, _ := binary.Append(nil, binary.LittleEndian, n) // of a fixed size, so without an error
	return append(append(text, q.passphrase...), q.content...)
}

func readQuestion(in io.Reader) (question, error) {
	var n numbers
	if err := binary.Read(in, binary.LittleEndian, &n); err != nil {
		return question{}, err
	}
	if n.Passphrase > maxSize || n.Content > 2*maxSize {
		return question{}, errors.New("too large")
	}
	text := make([]byte, n.Passphrase+n.Content)
	if _, err := io.ReadFull(in, text); err != nil {
		return question{}, err
	}
	return question{
		open: n.WorkFactor == 0, workFactor: int(n.WorkFactor),
		passphrase: string(text[:n.Passphrase]), content: text[n.Passphrase:],
	}, nil
}
