package app

import (
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"lamplighter/refresher"
)

func (p *program) tokenCommand() *cobra.Command {
	n := need{lax: true}
	format := "raw"
	c := &cobra.Command{
		Use:     "token ID",
		Short:   "Print an access token, never a refresh token",
		Long:    tokenHelp,
		Example: tokenExample,
		Args: func(c *cobra.Command, args []string) error {
			if format == "git-credential" { // git says what it wants after everything else
				return arguments(1, 2, "one ID")(c, args)
			}
			return arguments(1, 1, "one ID")(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if formats[format] == nil {
				return usagef(saidNoFormat, format, strings.Join(formatNames, ", "))
			}
			n.ids = args[:1]
			a := asking{env: p.host.Getenv}
			if format == "git-credential" && len(args) > 1 {
				if a.git = gitAsks(os.Stdin); args[1] != "get" || !a.git.safe() {
					return nil // there is nothing of ours to store or to erase
				}
			}
			return p.printToken(c.Context(), n, func(row refresher.Row) (string, error) { return formats[format](row, a) })
		},
		ValidArgsFunction: p.completeIDs,
	}
	n.flags(c, "5m", "5m")
	c.Flags().Var(&flagValue{kind: "FORMAT", set: func(s string) error { format = s; return nil }}, "format", "as what it is printed: "+strings.Join(formatNames, ", "))
	c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(formatNames, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func (p *program) headersCommand() *cobra.Command {
	n := need{lax: true}
	c := &cobra.Command{
		Use:     "headers ID",
		Short:   "Print the HTTP headers with an access token as a JSON object",
		Long:    headersHelp,
		Example: headersExample,
		Args:    arguments(1, 1, "one ID"),
		RunE: func(c *cobra.Command, args []string) error {
			n.ids = args
			return p.printToken(c.Context(), n, inHeaders)
		},
		ValidArgsFunction: p.completeIDs,
	}
	n.flags(c, "5m", "5m")
	return c
}

// printToken prints what an access token becomes, if it lives long enough and,
// on a terminal, if that is wanted.
func (p *program) printToken(ctx context.Context, n need, as func(refresher.Row) (string, error)) error {
	rows, err := p.ensure(ctx, n)
	if err != nil {
		return err
	}
	text, err := as(rows[0])
	if err != nil {
		return err
	}
	if p.out.isTerminal() {
		if err := p.mayShow(ctx, rows[0].ID); err != nil {
			return err
		}
	}
	p.printf("%s", text)
	return nil
}

// mayShow asks whether a token may be shown where others may look on, and where
// it stays in what the terminal keeps.
func (p *program) mayShow(ctx context.Context, id string) error {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		p.errorf(saidNotShown, id)
		return exit{exitFailed}
	}
	yes, err := p.agreed(ctx, sayf(saidShow, id).Error())
	if err == nil && !yes {
		p.warnf(saidNotPrinted)
		err = exit{exitFailed}
	}
	return err
}
