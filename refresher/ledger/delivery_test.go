package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"lamplighter/refresher/ledger"
)

var place = ledger.Place{File: "/run/token"}

func delivery(t *testing.T, dir string, p ledger.Place) *ledger.LockedDelivery {
	t.Helper()
	lk, err := open(t, dir).LockDelivery(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return lk
}

func save(t *testing.T, lk *ledger.LockedDelivery) {
	t.Helper()
	if err := lk.Save(); err != nil {
		t.Fatal(err)
	}
	if err := lk.Unlock(); err != nil {
		t.Fatal(err)
	}
}

func TestADeliveryIsRememberedAcrossRestarts(t *testing.T) {
	dir := t.TempDir()
	other := ledger.Place{Service: "graph", Account: "me"}
	for _, p := range []ledger.Place{place, other} {
		lk := delivery(t, dir, p)
		lk.ID = "own/graph"
		lk.Begin("a")
		lk.Done("a")
		save(t, lk)
	}
	lk := delivery(t, dir, place)
	defer lk.Unlock()
	want := ledger.Delivery{Place: place, ID: "own/graph", Text: "a"}
	if !reflect.DeepEqual(lk.Delivery, want) {
		t.Errorf("%+v", lk.Delivery)
	}
	if all, err := open(t, dir).Deliveries(); err != nil || len(all) != 2 {
		t.Errorf("%+v, %v", all, err)
	}
	if err := lk.Forget(); err != nil {
		t.Fatal(err)
	}
	if all, err := open(t, dir).Deliveries(); err != nil || len(all) != 1 || all[0].Place != other {
		t.Errorf("%+v, %v", all, err)
	}
}

// A crash between the writing and the noting leaves a text of ours that is
// known all the same, however often it happens without a success in between.
func TestWhatMayHaveBeenPutThereIsOurs(t *testing.T) {
	dir := t.TempDir()
	for _, text := range []string{"a", "b", "c"} {
		lk := delivery(t, dir, place)
		lk.Begin(text)
		save(t, lk)
	}
	lk := delivery(t, dir, place)
	defer lk.Unlock()
	for text, want := range map[string]bool{"a": true, "b": true, "c": true, "d": false, "": false} {
		if lk.Ours(text) != want {
			t.Errorf("%q is ours: %v", text, !want)
		}
	}
	lk.Done("c")
	if lk.Ours("a") || !lk.Ours("c") {
		t.Error("what is there for sure is not the only one any more")
	}
	for i := range 100 {
		lk.Begin(fmt.Sprint(i))
	}
	if len(lk.Next) > 20 || !lk.Ours("c") || !lk.Ours("99") {
		t.Errorf("after a hundred failures: %d", len(lk.Next))
	}
}

func TestTwoDoNotDeliverToOnePlaceAtOnce(t *testing.T) {
	dir := t.TempDir()
	lk := delivery(t, dir, place)
	defer lk.Unlock()
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := open(t, dir).LockDelivery(short, place); err == nil {
		t.Error("both have it")
	}
	delivery(t, dir, ledger.Place{File: "/run/other"}).Unlock()
}

func TestADamagedRecordIsNone(t *testing.T) {
	dir := t.TempDir()
	lk := delivery(t, dir, place)
	lk.Done("a")
	save(t, lk)
	all, err := filepath.Glob(filepath.Join(dir, "deliveries", "*"))
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	if err := os.WriteFile(all[0], []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	lk = delivery(t, dir, place)
	defer lk.Unlock()
	if lk.Ours("a") || lk.Place != place {
		t.Errorf("%+v", lk.Delivery)
	}
}

// Else what is there would be somebody else's from then on.
func TestARecordThatCannotBeReadIsAnError(t *testing.T) {
	dir := t.TempDir()
	lk := delivery(t, dir, place)
	lk.Done("a")
	save(t, lk)
	all, err := filepath.Glob(filepath.Join(dir, "deliveries", "*"))
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	if err := errors.Join(os.Remove(all[0]), os.Mkdir(all[0], 0o700)); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, dir).LockDelivery(t.Context(), place); err == nil {
		t.Error("it counts as nothing")
	}
}
