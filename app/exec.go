package app

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lamplighter/refresher"
)

// exitNever is what a command returns that runs another one, where that never
// started: so that none of its own codes is taken for the other's (as env,
// nohup and timeout do).
const exitNever = 125

// never is an error before the other command started.
type never struct{ error }

func (p *program) execCommand() *cobra.Command {
	n := need{lax: true}
	var vars []string
	c := &cobra.Command{
		Use:     "exec [--env NAME=ID]... -- CMD...",
		Short:   "Run a command with access tokens in its environment",
		Long:    execHelp,
		Example: execExample,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return never{usagef(saidExecWhat)}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			code, err := p.exec(c.Context(), n, vars, args)
			if err != nil {
				return never{err}
			}
			return ended(code)
		},
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault),
	}
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return never{usagef(saidBadFlag, err, c.CommandPath())} })
	n.flags(c, "5m", "5m")
	c.Flags().Var(&flagValue{kind: "NAME=ID", set: func(s string) error {
		name, id, ok := strings.Cut(s, "=")
		if !ok || id == "" || !variableName(name) {
			return sayf(saidBadVariable)
		}
		if len(without(vars, name)) < len(vars) {
			return sayf(saidTwice, name)
		}
		vars = append(vars, s)
		return nil
	}}, "env", "a variable, and whose access token it is to be; may be given several times")
	c.RegisterFlagCompletionFunc("env", p.completeVariable)
	c.Flags().SetInterspersed(false)
	return c
}

// variableName reports a name that a shell can use.
func variableName(name string) bool {
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// exec runs a command with access tokens in its environment. Where the system
// can, it does not return: the command takes our place.
func (p *program) exec(ctx context.Context, n need, vars, args []string) (code int, err error) {
	name, err := exec.LookPath(args[0])
	if err != nil {
		return 0, sayf(saidNoProgram, args[0], plainExec(err))
	}
	for _, v := range vars {
		_, id, _ := strings.Cut(v, "=")
		n.ids = append(n.ids, id)
	}
	var rows []refresher.Row
	if len(vars) > 0 {
		if rows, err = p.ensure(ctx, n); err != nil {
			return 0, err
		}
	}
	env, err := p.handedOn(os.Environ())
	if err != nil {
		return 0, err
	}
	for i, v := range vars {
		key, _, _ := strings.Cut(v, "=")
		row, err := pick(snapshot{Rows: rows}, n.ids[i:i+1])
		if err != nil {
			return 0, err
		}
		env = append(without(env, key), key+"="+row[0].Access.Reveal())
	}
	p.runHooks(ctx) // the other command may take our place
	if ctx.Err() != nil {
		return 0, sayf(saidInterrupted)
	}
	code, err = run(name, args, env)
	if err != nil {
		return 0, sayf(saidNoProgram, args[0], plainExec(err))
	}
	return code, nil
}

// plainExec leaves out what the sentence says already.
func plainExec(err error) error {
	var e *exec.Error
	if errors.As(err, &e) {
		return e.Err
	}
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// handedOn is the environment without the variables from which our settings take
// secrets.
func (p *program) handedOn(env []string) ([]string, error) {
	x, err := p.openStores()
	if err != nil {
		return nil, err
	}
	s := x.current()
	for _, own := range s.Own {
		env = without(env, own.SecretEnv)
	}
	for _, d := range s.Deliveries {
		env = without(env, d.VaultTokenEnv)
	}
	return env, nil
}

// without is an environment without a variable.
func without(env []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		n, _, _ := strings.Cut(v, "=")
		return name != "" && sameVariable(n, name)
	})
}

// completeVariable offers IDs after the name of a variable.
func (p *program) completeVariable(c *cobra.Command, given []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	name, id, ok := strings.Cut(begun, "=")
	if !ok {
		return nil, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	ids, d := p.completeIDs(c, nil, id)
	for i := range ids {
		ids[i] = name + "=" + ids[i]
	}
	return ids, d
}
