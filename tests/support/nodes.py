"""Several nodes over one database: the configuration of each."""

from pathlib import Path

from dialer.config import Config, DatabaseConfig, HttpConfig, MediaConfig, NodeConfig, SipConfig, TrunkConfig
from tests.support.call_lab import HOST, MONDAY
from tests.support.policy import registered
from tests.support.storage import KEY


def node_config(name: str, folder: Path, database_url: str, media_port: int, trunk_port: int) -> Config:
    """A node of that name, with one trunk; `media_port` is the first of a hundred."""
    return Config(
        node=NodeConfig(name=name, data_dir=folder / name, rehearsal_starts_at=MONDAY),
        database=DatabaseConfig(url=database_url, key=KEY.hex()),
        sip=SipConfig(host=HOST, port=0, transports=("udp",)),
        media=MediaConfig(port_min=media_port, port_max=media_port + 99, workers=1, spool_min_free_mb=1),
        http=HttpConfig(port=0),
        trunks=(TrunkConfig(name="main", host=HOST, port=trunk_port),),
        caller_ids=registered(),
    )
