"""The benchmark of kinds: those that nothing was taught stand apart, all against the benign devices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks import anomaly_kinds
from tests.systems.device_toys import write_toy_devices

from beltline.formats.device_shards import DeviceShards, open_device_shards


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> DeviceShards:
    folder: Path = write_toy_devices(tmp_path_factory.mktemp("devices"), 6, scans=False)
    return open_device_shards(folder)


def test_a_kind_is_told_from_the_benign_devices_alone(shards: DeviceShards) -> None:
    scores = np.full(len(shards), 0.2)
    scores[0] = 0.6  # a benign device
    scores[shards.devices["kind"] == 0] = 0.9
    rows = {row["concealed"]: row for row in anomaly_kinds.table(shards, ("blade", "screws"), scores, 0.5)}
    assert list(rows) == ["blade", "screws", "organic block", "**taught**", "**not taught**", "nothing"]
    assert [row["taught"] for row in rows.values()] == ["yes", "yes", "no", "", "", ""]
    assert [int(row["devices"]) for row in rows.values()] == [2, 2, 2, 4, 2, 6]
    assert rows["blade"]["AUC"].startswith("1.00")
    assert rows["organic block"]["AUC"].startswith("0.42")  # below one of six, level with the others
    alarms = [row[anomaly_kinds.ALARM][:4] for row in rows.values()]
    assert alarms == ["1.00", "0.00", "0.00", "0.50", "0.00", "0.17"]
