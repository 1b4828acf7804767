package ledger_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

// sent is what a refresh of an entry writes down before it sends.
func sent(entry string) ledger.Sent {
	return ledger.SentOf(credfiles.Credential{
		Key: key(entry), ID: "codex/mcp/" + entry, Name: entry,
		Token: credfiles.Token{Access: credfiles.NewSecret("at-EXAMPLE"), Refresh: token(entry, 1), Expiry: time.Unix(2e9, 0).UTC(), Scope: "read write"},
		Grant: credfiles.Grant{ClientID: "client-1", Issuer: "https://as.example", ServerURL: "https://mcp.example/mcp"},
	}, exchange.Post{
		TokenURL: "https://as.example/token", Auth: exchange.Basic, ClientID: "client-1", Resource: "https://mcp.example/mcp", Scope: "read write",
	}, 3, true)
}

func answer(body string) exchange.Answer {
	return exchange.Answer{Status: 200, Body: []byte(body), Written: true, SentAt: time.Unix(1e9, 0).UTC(), At: time.Unix(1e9+1, 0).UTC()}
}

func begin(t *testing.T, lk *ledger.Locked, s ledger.Sent) *ledger.Record {
	t.Helper()
	rec, err := lk.Begin(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rec.Close() })
	return rec
}

// after is what the next process finds.
func after(t *testing.T, dir, entry string, lk *ledger.Locked) *ledger.Record {
	t.Helper()
	lk.Unlock()
	next := locked(t, dir, entry)
	rec, err := next.Unfinished()
	if err != nil {
		t.Fatal(err)
	}
	if rec != nil {
		t.Cleanup(func() { rec.Close() })
	}
	return rec
}

func TestARecordSaysAllThatRecoveryNeeds(t *testing.T) {
	dir := t.TempDir()
	lk := locked(t, dir, "a")
	want := sent("a")
	begin(t, lk, want)
	rec := after(t, dir, "a", lk)
	if rec == nil || rec.Answer != nil || rec.Image != nil {
		t.Fatalf("found %+v", rec)
	}
	s := rec.Sent
	if s.Post != want.Post || s.Key != want.Key || s.ID != want.ID || s.Lineage != 3 || !s.Unusable || !s.At.Equal(want.At) {
		t.Errorf("sent is %+v", s)
	}
	c, old := s.Credential(), want.Credential()
	if !c.Access.Equal(old.Access) || !c.Refresh.Equal(old.Refresh) || !c.Expiry.Equal(old.Expiry) || c.Scope != old.Scope ||
		c.ClientID != old.ClientID || c.Issuer != old.Issuer || c.ServerURL != old.ServerURL || c.Name != old.Name {
		t.Error("the credential is another one")
	}
	if rec.For != lk.Fingerprint(token("a", 1)) {
		t.Errorf("it is for %q", rec.For)
	}
}

func TestAnAnswerIsReadBackAsItCame(t *testing.T) {
	dir := t.TempDir()
	lk := locked(t, dir, "a")
	want := answer("\x00\xff raw \n bytes")
	if err := begin(t, lk, sent("a")).Answered(want); err != nil {
		t.Fatal(err)
	}
	rec := after(t, dir, "a", lk)
	if rec == nil || rec.Answer == nil || !bytes.Equal(rec.Answer.Body, want.Body) || rec.Answer.Status != 200 || !rec.Answer.At.Equal(want.At) || !rec.Answer.Written {
		t.Fatalf("found %+v", rec)
	}
	if pending, err := open(t, dir).Pending(); err != nil || len(pending) != 1 || pending[0].Answer == nil || pending[0].For != rec.For {
		t.Errorf("those who look see %+v, %v", pending, err)
	}
}

// The largest answer that is ever read, behind a store's largest token, fits
// into what was reserved.
func TestTheLargestAnswerFitsIntoWhatWasReserved(t *testing.T) {
	dir := t.TempDir()
	lk := locked(t, dir, "a")
	s := sent("a")
	s.Before.Access = credfiles.NewSecret(strings.Repeat("<", 300<<10))
	rec := begin(t, lk, s)
	name := filepath.Join(dir, "journal", lk.OwnerOf(lk.Key))
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	reserved := info.Size()
	a := answer(strings.Repeat("x", exchange.MaxBody))
	long := strings.Repeat("<", 200)
	a.Header = exchange.Header{ContentType: long, RetryAfter: long, Date: long, Location: long,
		Challenges: []string{long, long, long, long, long, long, long, long}}
	if err := rec.Answered(a); err != nil {
		t.Fatal(err)
	}
	if info, err = os.Stat(name); err != nil || info.Size() != reserved {
		t.Errorf("%d bytes were reserved, it has %d now", reserved, info.Size())
	}
	if found := after(t, dir, "a", lk); found.Answer == nil || !bytes.Equal(found.Answer.Body, a.Body) {
		t.Error("it is not read back")
	}
}

// Whatever part of a line a crash leaves, the line counts as not written and
// those before it stay.
func TestATornLineCountsAsNotWritten(t *testing.T) {
	dir := t.TempDir()
	lk := locked(t, dir, "a")
	name := filepath.Join(dir, "journal", lk.OwnerOf(lk.Key))
	rec := begin(t, lk, sent("a"))
	bare, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := rec.Answered(answer(strings.Repeat("tokens ", 2000))); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	end := bytes.IndexByte(whole, 0)
	start := bytes.IndexByte(whole, '\n') + 1
	if start < 10 || end < start+10000 {
		t.Fatalf("lines end at %d and %d", start, end)
	}
	read := func(what string, text []byte) *ledger.Record {
		put(t, string(text), name)
		rec, err := lk.Unfinished()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if rec != nil {
			rec.Close()
		}
		return rec
	}
	mix := func(from, to int) []byte { // of the second line only these bytes arrived
		text := bytes.Clone(bare)
		copy(text[from:to], whole[from:to])
		return text
	}
	for _, text := range [][]byte{
		mix(start, start+1), mix(start, end-2), mix(start, end-1), mix(start+4096, end), mix(start, end-4096), mix(start+1, end), mix(end-1, end),
		whole[:end-1], whole[:start], whole[:start+100],
	} {
		found := read("answer", text)
		if found == nil || found.Answer != nil || found.Sent.ID != "codex/mcp/a" {
			t.Errorf("of a torn answer was found %+v", found)
		}
	}
	if found := read("whole", whole); found == nil || found.Answer == nil {
		t.Error("a whole answer is not read")
	}
	for _, text := range [][]byte{nil, make([]byte, len(bare)), bare[:1], bare[:start-1], append(make([]byte, 10), bare...)} {
		if found := read("sent", text); found != nil {
			t.Errorf("of a torn beginning was found %+v", found)
		}
		if _, err := os.Stat(name); err == nil {
			t.Error("a torn beginning stays: nothing was sent")
		}
	}
}

func TestATornAnswerLeavesNothingThatALaterLineBringsToLife(t *testing.T) {
	dir := t.TempDir()
	lk := locked(t, dir, "a")
	name := filepath.Join(dir, "journal", lk.OwnerOf(lk.Key))
	rec := begin(t, lk, sent("a"))
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	// A torn line, as long as the image that will be written over it, then what
	// looks like a line of its own.
	junk := bytes.Repeat([]byte("x"), len(`{"image":""}`)+300/3*4)
	junk = append(junk, []byte("\n{\"answer\":{\"status\":200,\"body\":\"eA==\"}}\n")...)
	copy(text[bytes.IndexByte(text, '\n')+1:], junk)
	put(t, string(text), name)
	rec.Close()
	if rec, err = lk.Unfinished(); err != nil || rec.Answer != nil {
		t.Fatalf("%v, %v", rec, err)
	}
	if err := rec.Imaged(bytes.Repeat([]byte("i"), 300)); err != nil {
		t.Fatal(err)
	}
	rec.Close()
	if rec, err = lk.Unfinished(); err != nil || rec.Answer != nil || len(rec.Image) != 300 {
		t.Errorf("found %d bytes of image, answer %v, %v", len(rec.Image), rec.Answer, err)
	}
	rec.Close()
}

func TestManyImagesNeedTheRoomOfOne(t *testing.T) {
	dir := t.TempDir()
	lk := locked(t, dir, "a")
	rec := begin(t, lk, sent("a"))
	if err := rec.Answered(answer("the answer")); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "journal", lk.OwnerOf(lk.Key))
	before := files(t, dir)["journal/"+lk.OwnerOf(lk.Key)]
	for n := range 20 {
		for range 2 {
			if err := rec.Imaged(bytes.Repeat([]byte{'a' + byte(n)}, 700<<10)); err != nil {
				t.Fatal(err)
			}
		}
		rec.Close()
		var err error
		if rec, err = lk.Unfinished(); err != nil || len(rec.Image) != 700<<10 || rec.Image[0] != 'a'+byte(n) || rec.Answer == nil {
			t.Fatalf("image %d: %d bytes, answer %v, %v", n, len(rec.Image), rec.Answer, err)
		}
	}
	if info, err := os.Stat(name); err != nil || info.Size() != int64(len(before)) {
		t.Errorf("it grew from %d to %d bytes", len(before), info.Size())
	}
	rec.Close()
}

func TestARecordOfAnotherCredentialIsNeitherUsedNorRemoved(t *testing.T) {
	dir := t.TempDir()
	a, b := locked(t, dir, "a"), locked(t, dir, "b")
	if _, err := a.Begin(sent("b")); err == nil {
		t.Error("begun for another credential than the one locked")
	}
	begin(t, a, sent("a")).Close()
	from, to := filepath.Join(dir, "journal", a.OwnerOf(a.Key)), filepath.Join(dir, "journal", b.OwnerOf(b.Key))
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
	if rec, err := b.Unfinished(); err == nil {
		t.Errorf("found %+v", rec)
	}
	if _, err := b.Begin(sent("b")); err == nil {
		t.Error("a refresh began over it")
	}
	if _, err := os.Stat(to); err != nil {
		t.Error("it is gone")
	}
	if all, err := open(t, dir).Pending(); err != nil || len(all) != 0 {
		t.Errorf("those who look see %v, %v", all, err)
	}
}

func TestARefreshDoesNotBeginOverAnUnfinishedOne(t *testing.T) {
	dir := t.TempDir()
	lk := locked(t, dir, "a")
	begin(t, lk, sent("a"))
	if _, err := lk.Begin(sent("a")); err == nil || !strings.Contains(err.Error(), "nothing is sent") {
		t.Errorf("got %v", err)
	}
	if rec, err := lk.Unfinished(); err == nil && rec != nil {
		rec.Close()
	} else {
		t.Errorf("the first one is gone: %v", err)
	}
}

func TestAFinishedRecordLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	lk := locked(t, dir, "a")
	rec := begin(t, lk, sent("a"))
	if err := rec.Answered(answer("x")); err != nil {
		t.Fatal(err)
	}
	if err := rec.Done(); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(filepath.Join(dir, "journal")); err != nil || len(entries) != 0 {
		t.Errorf("left: %v, %v", entries, err)
	}
	begin(t, lk, sent("a"))
}

func TestAnAnswerIsNotJournaledInAFileThatNobodyWillFind(t *testing.T) {
	dir := t.TempDir()
	lk := locked(t, dir, "a")
	rec := begin(t, lk, sent("a"))
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if rec.Answered(answer("x")) == nil || rec.Answer != nil {
		t.Error("it counts as journaled")
	}
	if err := rec.Done(); err != nil {
		t.Errorf("what is gone has ended: %v", err)
	}
}

func TestWhereTheJournalCannotBeListedThereIsAnError(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	if err := os.Remove(filepath.Join(dir, "journal")); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Pending(); err == nil {
		t.Error("it counts as empty")
	}
}
