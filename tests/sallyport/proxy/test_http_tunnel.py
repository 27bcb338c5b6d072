from sallyport.proxy.http_tunnel import is_ip_address, tunnel_refusal


def test_ip_addresses_are_told_from_names():
    assert is_ip_address("10.0.0.1")
    assert is_ip_address("::1")
    assert not is_ip_address("api.openai.com")


def test_a_forbidden_tunnel_is_403_and_a_dead_one_502():
    assert tunnel_refusal("h", "destination not allowed: 127.0.0.1 is this machine (loopback)").status == 403
    assert tunnel_refusal("h", "Connection refused").status == 502
