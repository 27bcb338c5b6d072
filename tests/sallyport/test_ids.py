import uuid

from sallyport.ids import new_id


def test_ids_are_version_7_and_in_order_of_time():
    ids = [new_id() for _ in range(1000)]
    assert {uuid.UUID(one).version for one in ids} == {7}
    assert len(set(ids)) == 1000
    milliseconds = [uuid.UUID(one).int >> 80 for one in ids]
    assert milliseconds == sorted(milliseconds)
