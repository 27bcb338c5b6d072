import ipaddress

from sallyport.egress.ruleset import Egress, Network, ruleset


def networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


def test_only_our_table_is_replaced_and_in_one_transaction():
    rules = ruleset(Egress(8082, interfaces=("eth1",)))
    assert rules.startswith("table inet sallyport\ndelete table inet sallyport\ntable inet sallyport {\n")
    assert "flush" not in rules
    assert rules.count("{") == rules.count("}")


def test_clients_of_a_network():
    rules = ruleset(Egress(8082, networks=networks("10.1.0.0/16", "2001:db8::/32"), ports=(443, 80)))
    assert "ip saddr { 10.1.0.0/16 } tcp dport { 443, 80 } redirect to :8082" in rules
    assert "ip6 saddr { 2001:db8::/32 } tcp dport { 443, 80 } redirect to :8082" in rules
    assert "ip saddr { 10.1.0.0/16 } udp dport { 443, 80 } reject with icmpx type port-unreachable" in rules
    assert "hook output" not in rules


def test_what_is_said_to_this_machine_itself_is_left_alone_first():
    chain = ruleset(Egress(8082, interfaces=("eth1", "wg0"))).partition("chain clients_tcp")[2]
    assert chain.index("fib daddr type local return") < chain.index('iifname { "eth1", "wg0" } tcp')


def test_users_of_this_machine():
    rules = ruleset(Egress(8082, uids=(1000, 1001), gids=(50,), gateway_uid=999))
    for chain in ("local_tcp", "local_udp"):
        lines = rules.partition(f"chain {chain} ")[2].partition("}\n\n")[0].splitlines()
        assert lines[2].strip() == "meta skuid 999 return"  # before anything else: its calls would come back for ever
    assert "meta skuid { 1000, 1001 } tcp dport { 443 } redirect to :8082" in rules
    assert "meta skgid { 50 } udp dport { 443 } reject" in rules
    assert "prerouting" not in rules


def test_destinations_left_alone_and_networks_that_overlap():
    left = networks("10.0.0.0/8", "10.1.0.0/16", "fc00::/7")
    rules = ruleset(Egress(8082, networks=networks("192.168.0.0/25", "192.168.0.128/25"), left_alone=left))
    assert "ip daddr { 10.0.0.0/8 } return" in rules
    assert "ip6 daddr { fc00::/7 } return" in rules
    assert "ip saddr { 192.168.0.0/24 }" in rules
