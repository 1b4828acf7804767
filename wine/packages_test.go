//go:build wine

package wine

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// packages are those whose code for Windows is more than a line, with the tests
// that cannot pass there.
var packages = []struct {
	path string
	only []string // empty: all tests
	skip []string
}{
	{path: "credfiles/agefile"},
	// Not here: links and open files that are renamed, which Windows does not
	// allow, and crowds that contend. While a lock is held Wine keeps every file
	// open that was opened to ask for it, until it has too many.
	{path: "credfiles/clientlock", only: []string{
		"TestAnotherProcessKeepsUsOut", "TestReadersShareAFileLockAndKeepAWriterOut", "TestWhoAsksOnceDoesNotWait",
		"TestAKilledHolderFreesItsFileLock", "TestALockFileKeepsItsBytesAndStays", "TestOnlyTheLastFolderOfALockFileIsMade",
		"TestAFolderInPlaceOfALockFileIsAnError", "TestAReleasedLockIsNotOurs", "TestTheContextDecidesPatience",
		"TestOnlyWhatWasSeenIsTakenAway",
	}},
	{path: "credfiles/jsonedit"},
	{path: "credfiles/processes", skip: []string{
		"TestPackageVersion",              // links
		"TestAProgramThatIsGoneIsLeftOut", // Wine still tells its file, now and then
	}},
	{path: "credfiles/replace", skip: []string{
		"TestFileFollowsALink", "TestWhatCannotBeReplacedIsAnObstacle", "TestCreateMakesAFileAndNeverTakesAnothersPlace", // links
		"TestAReaderNeverSeesATornFile", "TestALateWriteToWhatCameOutCanBeSeen", // open files
		// Wine's ReplaceFileW is two renames, and who comes in between finds no
		// file. All of our writers have a lock.
		"TestNothingIsLostAmongWritersThatExchange",
	}},
	{path: "credfiles/wincred"},
	{path: "credfiles/watch", skip: []string{
		"TestALinkThatPointsElsewhereIsSignalled", "TestALinkLoopIsWatchedUntilItIsMended", "TestAFileBehindALinkedDirectoryIsSignalled", // links
		// Wine keeps the name of a folder that is watched, and tells nobody
		// that it was renamed.
		"TestADirectoryRemovedAndMadeAgainIsFollowed", "TestADirectoryRenamedAwayIsNotWatchedThere",
	}},
	{path: "refresher/ledger", skip: []string{
		"TestEverythingIsForItsOwnerOnly",                                                                                                                                    // modes
		"TestATornLineCountsAsNotWritten", "TestNothingThatHoldsATokenPrintsIt", "TestAnAnswerIsNotJournaledInAFileThatNobodyWillFind", "TestALockWhoseFileWasRemovedIsLost", // open files
		"TestManyProcessesLogWithoutLosingALine", // one of 320 was missing in one of eight runs: an append in Wine is not whole
	}},
	{path: "app/autostart", only: []string{"TestTheRunKeyAndTaskManagerAgree", "TestAnOldPathInTheRunKeyIsFollowedAndAPersonsLineIsNot"}},
	{path: "app/desktop"},
	{path: "app/instance"},
	{path: "app/notice"},
	{path: "app/settings", skip: []string{"TestAHomeThatLoadWouldRefuseIsNotAdded"}}, // says how Windows' paths are written
}

func TestThePackagesPassUnderWine(t *testing.T) {
	overlay := deletes(t)
	for _, p := range packages {
		t.Run(p.path, func(t *testing.T) {
			args := []string{"test", "-count=1", "-short", "-timeout", "5m", "-overlay", overlay, "-exec", "wine"}
			for flag, names := range map[string][]string{"-run": p.only, "-skip": p.skip} {
				if len(names) > 0 {
					args = append(args, flag, "^("+strings.Join(names, "|")+")$")
				}
			}
			cmd := exec.Command("go", append(args, "lamplighter/"+p.path)...)
			cmd.Env = append(append(os.Environ(), env...), "HOME="+os.Getenv("HOME"), "GOOS=windows", "CGO_ENABLED=0")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// deletes mends what Wine 8 makes of os.RemoveAll, with which a test clears up:
// it says "not implemented" of FileDispositionInformationEx, where a Windows
// that lacks it says "invalid class", and Go takes the older way.
func deletes(t *testing.T) (overlay string) {
	t.Helper()
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(strings.TrimSpace(string(goroot)), "src", "internal", "syscall", "windows", "at_windows.go")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	const invalid = "case STATUS_INVALID_INFO_CLASS,"
	mended := strings.Replace(string(text), invalid, "case NTStatus(0xC0000002), STATUS_INVALID_INFO_CLASS,", 1)
	if mended == string(text) {
		t.Fatalf("%s has no %q", name, invalid)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, filepath.Base(name))
	overlay = filepath.Join(dir, "overlay.json")
	replaced, err := json.Marshal(map[string]map[string]string{"Replace": {name: file}})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{file: []byte(mended), overlay: replaced} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return overlay
}
