import os
from pathlib import Path

import pytest

from sallyport.paths import DataDir
from sallyport.settings import SettingError
from sallyport.supervisor.data_dir import RunningGateway, make_private, read_state, single_gateway, write_state


def test_it_is_made_for_its_owner_alone(tmp_path: Path):
    data = DataDir(tmp_path / "a" / "b")
    make_private(data)
    assert data.root.stat().st_mode & 0o777 == 0o700
    assert data.sockets.stat().st_mode & 0o777 == 0o700


def test_an_open_directory_with_other_things_is_left_alone(tmp_path: Path):
    (tmp_path / "photos").touch()
    tmp_path.chmod(0o755)
    with pytest.raises(SettingError, match="holds other things"):
        make_private(DataDir(tmp_path))
    assert tmp_path.stat().st_mode & 0o777 == 0o755
    tmp_path.chmod(0o700)
    make_private(DataDir(tmp_path))


def test_a_file_in_its_place_is_named(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(SettingError, match="file"):
        make_private(DataDir(tmp_path / "file"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a directory of someone else")
def test_someone_elses_directory_is_refused(tmp_path: Path):
    tmp_path.chmod(0o700)
    os.chown(tmp_path, 4242, 4242)
    with pytest.raises(SettingError, match="belongs to user 4242"):
        make_private(DataDir(tmp_path))


def test_a_long_path_has_its_sockets_elsewhere(tmp_path: Path):
    data = DataDir(tmp_path / ("d" * 100))
    make_private(data)
    assert data.sockets.is_dir()
    assert len(str(data.redis_socket)) < 104
    with single_gateway(data):
        pass
    assert not data.sockets.exists()


def test_a_second_gateway_is_refused_and_told_which_runs(tmp_path: Path):
    data = DataDir(tmp_path)
    with single_gateway(data):
        write_state(data, RunningGateway("127.0.0.1:8080", "127.0.0.1:8081", os.getpid()))
        assert data.state.stat().st_mode & 0o777 == 0o600
        with pytest.raises(SettingError, match=rf"process {os.getpid()}, on 127.0.0.1:8080"), single_gateway(data):
            pass
        assert read_state(data) is not None
    assert read_state(data) is None
    with single_gateway(data):
        pass


def test_the_state_of_a_gateway_that_was_killed_counts_for_nothing(tmp_path: Path):
    data = DataDir(tmp_path)
    write_state(data, RunningGateway("127.0.0.1:8080", "127.0.0.1:8081", 2**22 + 1))
    assert read_state(data) is None
    data.state.write_text("{")
    assert read_state(data) is None
