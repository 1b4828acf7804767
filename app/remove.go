package app

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"lamplighter/app/settings"
	"lamplighter/credfiles"
	"lamplighter/refresher"
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
// that was interrupted can be removed again, and so can what is left of an entry
// that somebody removed by hand.
func (p *program) remove(ctx context.Context, name string) error {
	x, err := p.open()
	if err != nil {
		return err
	}
	lock, err := p.defining(ctx, x)
	if err != nil {
		return err
	}
	defer lock.Release()
	snap, err := p.scan(ctx, x)
	if err != nil {
		return err
	}
	own := x.owned(x.current())
	rows, err := pick(snap, []string{name})
	if left := strings.TrimPrefix(name, credfiles.OwnClient+"/"); err != nil && own.Left(left) {
		c := credfiles.Credential{Key: own.Key(left), ID: credfiles.OwnClient + "/" + left, Name: left, Own: true}
		rows, err = []refresher.Row{{Credential: c}}, nil
	}
	if err != nil {
		return err
	}
	row := rows[0]
	if !row.Own {
		return usagef(saidNotOwn, row.ID, credfiles.Title(row.Client))
	}
	// What is erased does not come back where the rest then fails.
	if err := settings.CheckRemoveOwn(x.configFile, row.Name); err != nil {
		return err
	}
	// No keeper delivers again what is erased now.
	if err := settings.RemoveDeliveries(x.configFile, row.ID); err != nil {
		return err
	}
	left, err := p.takeBack(ctx, x, row.ID)
	if err != nil {
		return err
	}
	erase := func() error { return own.Erase(row.Name) }
	undefine := func() error { return settings.RemoveOwn(x.configFile, row.Name) }
	if err := x.refresher.Erase(ctx, row, erase, undefine); err != nil {
		return err
	}
	p.printf(saidRemoved, row.ID)
	if left { // which a script is not to take for erased
		return exit{exitFailed}
	}
	return nil
}
