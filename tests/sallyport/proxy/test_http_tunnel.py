from sallyport.proxy.http_tunnel import tunnel_refusal


def test_a_forbidden_tunnel_is_403_and_a_dead_one_502():
    assert tunnel_refusal("h", "destination not allowed: 127.0.0.1 is this machine (loopback)").status == 403
    assert tunnel_refusal("h", "Connection refused").status == 502
