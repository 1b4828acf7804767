package app

import (
	"context"

	"github.com/spf13/cobra"

	"lamplighter/app/settings"
	"lamplighter/credfiles"
)

func (p *program) removeCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "remove NAME",
		Short:   "Remove a credential of your own, and erase it",
		Long:    removeHelp,
		Example: removeExample,
		Args:    arguments(1, 1, "one name"),
		RunE: func(c *cobra.Command, args []string) error {
			return p.remove(c.Context(), args[0])
		},
		ValidArgsFunction: p.completeIDs,
	}
}

// remove erases the store before the config entry: what is left of a remove
// that was interrupted can be removed again.
func (p *program) remove(ctx context.Context, name string) error {
	x, err := p.open()
	if err != nil {
		return err
	}
	snap, err := p.scan(ctx, x)
	if err != nil {
		return err
	}
	rows, err := pick(snap, []string{name})
	if err != nil {
		return err
	}
	row := rows[0]
	if !row.Own {
		return usagef(saidNotOwn, row.ID, credfiles.Title(row.Client))
	}
	// No keeper delivers again what is erased now.
	if err := settings.RemoveDeliveries(x.configFile, row.ID); err != nil {
		return err
	}
	if err := p.takeBack(ctx, x, row.ID); err != nil {
		return err
	}
	erase := func() error {
		if err := settings.RemoveOwn(x.configFile, row.Name); err != nil {
			return err
		}
		return x.owned(x.current()).Erase(row.Name)
	}
	if err := x.refresher.Erase(ctx, row, erase); err != nil {
		return err
	}
	p.printf(saidRemoved, row.ID)
	return nil
}
