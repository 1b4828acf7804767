package discovery

import "net/netip"

// A zone is a part of the network into which only a server of the same part
// may lead.
type zone string

const (
	public    zone = "public"
	loopback  zone = "loopback"
	private   zone = "private"
	linkLocal zone = "link-local"
	nowhere   zone = "unusable" // unspecified, multicast, reserved
)

// zones are the special ones of the IANA registries (RFC 6890). One home or
// office has several kinds of private addresses, so these are one zone; so is
// 198.18.0.0/15, which some VPNs give to every name.
var zones = []struct {
	prefix netip.Prefix
	zone   zone
}{
	{netip.MustParsePrefix("127.0.0.0/8"), loopback},
	{netip.MustParsePrefix("::1/128"), loopback},
	{netip.MustParsePrefix("10.0.0.0/8"), private},
	{netip.MustParsePrefix("172.16.0.0/12"), private},
	{netip.MustParsePrefix("192.168.0.0/16"), private},
	{netip.MustParsePrefix("100.64.0.0/10"), private}, // carrier-grade NAT, tailnets
	{netip.MustParsePrefix("198.18.0.0/15"), private},
	{netip.MustParsePrefix("fc00::/7"), private},
	{netip.MustParsePrefix("fec0::/10"), private},
	{netip.MustParsePrefix("64:ff9b:1::/48"), private}, // local NAT64, RFC 8215
	{netip.MustParsePrefix("169.254.0.0/16"), linkLocal},
	{netip.MustParsePrefix("fe80::/10"), linkLocal},
	{netip.MustParsePrefix("0.0.0.0/8"), nowhere},
	{netip.MustParsePrefix("192.0.0.0/24"), nowhere},
	{netip.MustParsePrefix("224.0.0.0/3"), nowhere}, // multicast, reserved, broadcast
	{netip.MustParsePrefix("::/96"), nowhere},       // unspecified, IPv4-compatible
	{netip.MustParsePrefix("ff00::/8"), nowhere},
}

// Both carry an IPv4 address, and lead where it leads.
var (
	nat64     = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052
	sixToFour = netip.MustParsePrefix("2002::/16")    // RFC 3056
)

func zoneOf(ip netip.Addr) zone {
	ip = ip.Unmap().WithZone("")
	b := ip.As16()
	switch {
	case nat64.Contains(ip):
		ip = netip.AddrFrom4([4]byte(b[12:]))
	case sixToFour.Contains(ip):
		ip = netip.AddrFrom4([4]byte(b[2:6]))
	}
	for _, z := range zones {
		if z.prefix.Contains(ip) {
			return z.zone
		}
	}
	return public
}
