package desktop

import "context"

// Gone reports that the icon's program has left the bus, or that the bus ended.
func (i *Item) Gone() bool {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	var has bool
	err := i.conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, i.Owner).Store(&has)
	return err != nil || !has
}
