package agefile

import (
	"context"
	"errors"
	"io"
	"os/exec"
)

// A Sealer is a process that has a key ready to seal with: all that takes time
// and memory is over before there is anything to seal, and so before anything
// is at stake.
type Sealer struct {
	cmd    *exec.Cmd
	cancel context.CancelFunc
	in     io.WriteCloser
	out    io.ReadCloser
	over   bool
}

// Sealer makes a process ready, which ctx may end until it is. Errors are
// those of [Process.Open]. The caller closes it.
func (p Process) Sealer(ctx context.Context, passphrase string, workFactor int) (*Sealer, error) {
	if workFactor < 1 || workFactor > MaxWorkFactor {
		return nil, ErrWorkFactor
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	done, err := takeTurn(limited)
	if err != nil {
		return nil, err
	}
	defer done()
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer context.AfterFunc(limited, end)()
	s := &Sealer{cancel: end}
	if s.cmd, err = p.command(life); err != nil {
		end()
		return nil, err
	}
	s.in, _ = s.cmd.StdinPipe() // neither is set yet
	s.out, _ = s.cmd.StdoutPipe()
	if err := s.cmd.Start(); err != nil {
		end()
		return nil, ended(limited, err)
	}
	_, err = s.in.Write(question(workFactor, passphrase, nil)[:8+len(passphrase)])
	if err == nil {
		_, err = io.ReadFull(s.out, make([]byte, 1))
	}
	if err != nil {
		s.over = true
		s.in.Close()
		waitErr := ended(limited, s.cmd.Wait())
		end()
		if waitErr == nil {
			waitErr = failed(err)
		}
		return nil, waitErr
	}
	return s, nil
}

// Seal makes the file, within milliseconds. It can do so once.
func (s *Sealer) Seal(plain []byte) ([]byte, error) {
	if s.over {
		return nil, errors.New("its key was used, or given up")
	}
	s.over = true
	defer s.cancel()
	_, err := s.in.Write(part(nil, plain))
	s.in.Close()
	sealed, readErr := io.ReadAll(s.out)
	if err := errors.Join(err, readErr, s.cmd.Wait()); err != nil {
		return nil, failed(err)
	}
	return sealed, nil
}

// Close ends the process where it was not used. It may be called again.
func (s *Sealer) Close() error {
	if !s.over {
		s.over = true
		s.cancel()
		s.in.Close()
		s.cmd.Wait() // it was killed: that is no error
	}
	return nil
}
