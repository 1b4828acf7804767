package app

import (
	"lamplighter/app/settings"
	"lamplighter/refresher"
)

func policyOf(s settings.Settings) refresher.Policy {
	return refresher.Policy{Mode: s.Mode, PausedUntil: s.PausedUntil, LeadLeast: s.Lead.Least, LeadMost: s.Lead.Most, LeadShare: s.Lead.Share, LogSize: 1 << 20, LogKeep: 3}
}
