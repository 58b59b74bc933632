"""The store of recordings that the configuration means."""

from dialer.config import Config
from recording.objects import StoreSettings

_AUDIO_ENDING = ".flac.sealed"


def transcript_path(audio_path: str) -> str:
    """Where the transcript of the recording that lies there is, if there is one."""
    return f"{audio_path.removesuffix(_AUDIO_ENDING)}.transcript.sealed"


def store_settings(config: Config) -> StoreSettings:
    """As `recording.objects.open_store` takes them."""
    said = config.recordings
    return StoreSettings(
        location=said.store or str(config.node.data_dir / "recordings"),
        endpoint=said.s3_endpoint,
        region=said.s3_region,
        access_key=said.s3_access_key,
        secret_key=said.s3_secret_key,
        object_lock=said.object_lock,
        ca_certificate=str(said.s3_ca_certificate or ""),
    )
