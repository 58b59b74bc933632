"""Signatures of S3 requests: Amazon's published examples, and a second opinion by botocore."""

import hashlib
from datetime import UTC, datetime

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from recording.s3_signing import Credentials, Request, signed_headers

# S3 API reference, "Authenticating Requests: Using the Authorization Header", examples.
EXAMPLE = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
HOST = "examplebucket.s3.amazonaws.com"
AT = datetime(2013, 5, 24, tzinfo=UTC)
PUT_HEADERS = {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"}


@pytest.mark.parametrize(
    ("request_", "signature"),
    [
        (
            Request("GET", HOST, "/test.txt", headers={"range": "bytes=0-9"}),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            Request("PUT", HOST, "/test%24file.text", headers=PUT_HEADERS, body=b"Welcome to Amazon S3."),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            Request("GET", HOST, "/", query={"lifecycle": ""}),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            Request("GET", HOST, "/", query={"prefix": "J", "max-keys": "2"}),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
    ids=["get", "put", "subresource", "list"],
)
def test_amazons_examples(request_: Request, signature: str) -> None:
    headers = signed_headers(request_, EXAMPLE, "us-east-1", AT)
    assert headers["authorization"].endswith(f"Signature={signature}")


_TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x2FFF, exclude_categories=["Cs"]), max_size=12)


@given(
    method=st.sampled_from(["GET", "PUT", "DELETE", "HEAD"]),
    query=st.dictionaries(_TEXT.filter(bool), _TEXT, max_size=4),
    body=st.binary(max_size=64),
    token=st.sampled_from(["", "a-token"]),
)
def test_botocore_signs_the_same(method: str, query: dict[str, str], body: bytes, token: str) -> None:
    request = Request(method, HOST, "/2026/11/22/R-1.flac.sealed", query, {"content-md5": "abc"}, body)
    ours = signed_headers(request, Credentials("AKIA", "secret", token), "eu-west-1", AT)
    assert ours["authorization"].replace(",", ", ") == _botocore(request, token)


def _botocore(request: Request, token: str) -> str:
    """The header that botocore's signer gives, made to use our instant."""
    signer = S3SigV4Auth(BotoCredentials("AKIA", "secret", token or None), "s3", "eu-west-1")
    asked = AWSRequest(
        request.method,
        f"https://{request.host}{request.path}?{request.query_text()}",
        data=request.body,
        headers=dict(request.headers) | {"X-Amz-Content-SHA256": hashlib.sha256(request.body).hexdigest()},
    )
    asked.context["timestamp"] = f"{AT:%Y%m%dT%H%M%SZ}"
    if token:
        asked.headers["X-Amz-Security-Token"] = token
    asked.headers["X-Amz-Date"] = asked.context["timestamp"]
    canonical = signer.canonical_request(asked)
    signature = signer.signature(signer.string_to_sign(asked, canonical), asked)
    scope = f"{AT:%Y%m%d}/eu-west-1/s3/aws4_request"
    names = signer.signed_headers(signer.headers_to_sign(asked))
    return f"AWS4-HMAC-SHA256 Credential=AKIA/{scope}, SignedHeaders={names}, Signature={signature}"
