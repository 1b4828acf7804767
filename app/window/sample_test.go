//go:build !darwin || cgo

package window

import (
	"fmt"
	"strings"
	"time"

	"lamplighter/app/model"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.Local)

func sampleRow(client, title, name, host, state, reason string, left, life time.Duration) model.Row {
	r := model.Row{
		Key: client + "/" + name, ID: client + "/mcp/" + name, Client: client, ClientTitle: title, Name: name, Title: name, Kind: "mcp",
		Server: "https://" + host + "/mcp", Store: "/home/ada/." + client + "/.credentials.json", State: state, Word: strings.ReplaceAll(state, "sign-in-", "sign-in "), Mode: "keep",
		Reason: reason, SignIn: client + " mcp login " + name, Plan: "kept fresh", Kept: true,
		Expires: noon.Add(left), Refresh: noon.Add(left - 10*time.Minute), Refreshed: noon.Add(left - life), Life: life,
		Endpoint: "https://auth." + host + "/oauth/token", Issuer: "https://auth." + host,
		Hosts: []string{"auth." + host, host}, Can: []string{model.Refresh, model.Login, model.Copy, model.Pause, model.Watch},
	}
	r.Left = fmt.Sprintf("%d min left", int(left.Minutes()))
	if left < 0 {
		r.Left = "ended"
	}
	r.Facts = []model.Fact{{Name: "Server", Text: r.Server, Copy: true}, {Name: "Issuer", Text: r.Issuer}}
	return r
}

// sample is a desk with two clients, one dead credential and one login.
func sample() *model.Model {
	slack := sampleRow("claude", "Claude Code", "slack", "mcp.slack.com", "sign-in-needed", "the server refused the refresh token (invalid_grant)", -40*time.Minute, 12*time.Hour)
	slack.NeedsYou, slack.Kept, slack.Do = true, false, "claude mcp login slack"
	login := sampleRow("claude", "Claude Code", "login", "claude.ai", "watch-only", "your Claude Code login, which Claude Code renews itself", 6*time.Hour, 8*time.Hour)
	login.Kind, login.Mode, login.Kept, login.Can = "login", "watch-only", false, []string{model.Login}
	login.Plan = "only watched: your Claude Code login, which Claude Code renews itself"
	jira := sampleRow("codex", "Codex", "atlassian", "mcp.atlassian.com", "deferred", "Codex 4711 would not notice a new token; refreshed when it ends", 5*time.Minute, 8*time.Hour)
	jira.Do, jira.Holders = "restart Codex 4711, or lamplighter refresh --anyway codex/mcp/atlassian", []string{"Codex 4711"}
	linear := sampleRow("codex", "Codex", "linear", "mcp.linear.app", "fresh", "next refresh in 20 h", 23*time.Hour, 24*time.Hour)
	notion := sampleRow("codex", "Codex", "notion", "mcp.notion.com", "fresh", "next refresh in 48 min", 58*time.Minute, time.Hour)
	grafana := sampleRow("mcp-remote", "mcp-remote", "grafana", "mcp.grafana.example", "cannot-refresh", "no refresh token came with it; sign in again when it has ended", 25*time.Minute, time.Hour)
	grafana.Kept, grafana.Plan = false, "only a countdown: it came without a refresh token"
	m := &model.Model{
		At: noon, Version: "0.1.0", Icon: "needs-you", Keeper: true, Begun: true,
		Summary:  "One sign-in is needed. 2 of 3 tokens are fresh.",
		Rows:     []model.Row{linear, slack, notion, login, jira, grafana},
		Restarts: []string{"Claude Code 812: /mcp > Reconnect, so that it notices claude/mcp/notion"},
		Problems: []model.Problem{{Store: "~/.codex/.credentials.json", Message: "cannot be read: permission denied; it is tried again every minute"}},
		Settings: &model.Settings{File: "~/.config/lamplighter/config.toml", Mode: "keep", LeadLeast: "10m", LeadMost: "30m", LeadShare: 0.1,
			Homes: []model.Home{{Client: "codex", Path: "~/work/.codex", Name: "work"}}, Clients: []string{"claude", "codex", "mcp-remote"}, Notifications: true},
	}
	for i := range 12 {
		m.History = append(m.History, model.Event{At: noon.Add(-time.Duration(i) * 47 * time.Minute), When: "Sat 21 Nov 2026, 12:00:00", Key: notion.Key, ID: notion.ID,
			What: "refreshed, good until " + noon.Add(time.Hour-time.Duration(i)*47*time.Minute).Format("15:04"), Old: fmt.Sprintf("%08x", i*7919+77), New: fmt.Sprintf("%08x", i*104729+5)})
	}
	m.History = append(m.History, model.Event{At: noon.Add(-50 * time.Minute), Key: slack.Key, ID: slack.ID, What: "the server refused the refresh token: invalid_grant", Old: "9f3ac201"})
	return m
}
