"""A real S3 service (moto) as a process of its own on the loopback, which checks every signature; ended by its process.

It keeps objects in memory: a service that was killed and started again knows nothing.
"""

import json
import os
import subprocess
import sys
from contextlib import suppress
from typing import Any, Self
from urllib.request import Request, urlopen

import boto3

REGION = "us-east-1"
START_TIMEOUT_S = 60.0
_SERVER = """
import sys
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server
server = make_server("127.0.0.1", int(sys.argv[1]), DomainDispatcherApplication(create_backend_app), threaded=True)
print(server.port, flush=True)
server.serve_forever()
"""
_ALL_OF_S3 = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


class S3Service:
    """`with` object. `url`, `access_key` and `secret_key` are what a store needs to reach it."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.access_key = ""
        self.secret_key = ""
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVER, str(self.port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        try:
            self._check_signatures()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """As a power cut does."""
        assert self._process is not None
        assert self._process.stdout is not None
        with suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def client(self) -> Any:
        """Amazon's own client, for what a test sets up and looks at."""
        return self._client("s3", self.access_key, self.secret_key)

    def make_bucket(self, name: str, *, locking: bool = False) -> None:
        """A bucket; with `locking` it has Object Lock and, with that, versions."""
        self.client().create_bucket(Bucket=name, ObjectLockEnabledForBucket=locking)

    def _check_signatures(self) -> None:
        """From here on only the owner of this key is let in, by signatures that the service works out itself."""
        iam = self._client("iam", "nobody", "nothing")
        iam.create_user(UserName="dialer")
        iam.put_user_policy(UserName="dialer", PolicyName="s3", PolicyDocument=json.dumps(_ALL_OF_S3))
        key = iam.create_access_key(UserName="dialer")["AccessKey"]
        self.access_key, self.secret_key = key["AccessKeyId"], key["SecretAccessKey"]
        told = Request(f"{self.url}/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"}, method="POST")
        with urlopen(told, timeout=START_TIMEOUT_S):
            pass

    def _client(self, service: str, access_key: str, secret_key: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
        )
