// Package instance keeps to one tray app for each user and state folder, and
// carries what later starts ask of the one that runs.
//
// Who runs holds a file lock, which ends with the process, however it ends. Who
// comes later leaves a small file in a folder that the first one watches: there
// is no socket, and nothing to clean up after a crash. Whoever may write into
// the folder, which is the user alone, may ask.
//
// On a file system that tells of no changes (some network ones) a request is
// seen at the next start only; [Start] then says that there was no answer.
package instance
