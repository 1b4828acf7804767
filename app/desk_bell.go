package app

import (
	"context"
	"fmt"
	"time"

	"lamplighter/app/model"
	"lamplighter/app/notice"
	"lamplighter/refresher"
)

// A bell tells of what only a person can mend: once, whoever noticed it first.
type bell struct {
	*notice.Notifier
	rung map[string]bool // by key: what stands on the screen
	late map[string]bool // whose token cannot be stored, and was looked at
}

// ring takes back what is mended, and tells of a token that cannot be stored
// before its client runs into the spent one.
func (d *desk) ring(ctx context.Context) {
	b := d.bell
	needs := map[string]bool{}
	for _, row := range d.snap.Rows {
		key := keyOf(row)
		late := row.MustBeSaved(time.Now())
		needs[key] = late || row.State == refresher.SignInNeeded
		if late && !b.late[key] {
			d.group.Go(func() {
				if d.x.ledger.FirstToTell(ctx, row.Key, row.Refresh) {
					d.needs(ctx, row)
				}
			})
		}
		b.late[key] = late
	}
	for key := range b.rung {
		if !needs[key] {
			delete(b.rung, key)
			d.group.Go(func() { b.Withdraw(ctx, key) })
		}
	}
}

// needs tells a person that a credential needs him. It is called once for each
// death, in whichever process recorded it first.
func (d *desk) needs(ctx context.Context, row refresher.Row) {
	if !d.x.current().Notifications {
		return
	}
	r := d.view(true).row(row, time.Now())
	note := notice.Notice{Tag: r.Key, Title: fmt.Sprintf(noticeDead, titleOf(r)), Body: upper(r.Reason) + ".", Button: noticeButton}
	if row.State == refresher.Unsaved {
		note.Title, note.Button = fmt.Sprintf(noticeUnsaved, titleOf(r)), ""
		if r.Do != "" {
			note.Body += "\n" + upper(r.Do) + "."
		}
	}
	d.mu.Lock()
	d.bell.rung[r.Key] = true
	d.mu.Unlock()
	d.bell.Show(ctx, note) // where that fails the icon and the menu say it
}

// answered does what people choose on notifications.
func (d *desk) answered(ctx context.Context) {
	for a := range d.bell.Answers() {
		if a.What == notice.Button {
			d.act(ctx, model.Action{Do: model.Login, Key: a.Tag}, a.Token)
		} else {
			d.open(ctx, model.Show{Key: a.Tag})
		}
	}
}

// services keeps the notes true on what this desktop lacks.
func (d *desk) services(ctx context.Context) {
	for ctx.Err() == nil {
		d.note("notifications", wordNoNotifications, !d.bell.Service().Works)
		select {
		case <-ctx.Done():
		case <-d.bell.Changed():
		}
	}
}

// note says what this desktop lacks, as long as it does.
func (d *desk) note(about, text string, lacks bool) {
	d.do(func() {
		delete(d.notes, about)
		if lacks {
			d.notes[about] = text
		}
	})
}
