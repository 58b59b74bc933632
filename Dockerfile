# The same steps as the Makefile's `setup`, in two stages: the second holds no compiler.
FROM rust:1.95-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends python3-venv python3-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY requirements.lock requirements-dev.lock pyproject.toml ./
COPY scripts ./scripts
RUN python3 scripts/check_host.py \
    && python3 -m venv /opt/build && /opt/build/bin/pip install --no-cache-dir --require-hashes -r requirements-dev.lock \
    && python3 -m venv /opt/dialer && /opt/dialer/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY native ./native
RUN /opt/build/bin/maturin build --release --locked --manifest-path native/Cargo.toml --out /wheels
COPY web ./web
COPY docs/openapi.json ./docs/openapi.json
RUN /opt/build/bin/python scripts/node.py npm --prefix web ci --no-audit --no-fund --loglevel=error \
    && mkdir -p dialer/api \
    && /opt/build/bin/python scripts/node.py npm --prefix web run --silent types \
    && /opt/build/bin/python scripts/node.py npm --prefix web run --silent build
COPY LICENSE README.md ./
COPY dialer ./dialer
COPY recording ./recording
COPY schedules ./schedules
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/dialer/bin/pip install --no-cache-dir --no-deps /wheels/*.whl

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends python3 espeak-ng ca-certificates && rm -rf /var/lib/apt/lists/* \
    && useradd --system --home-dir /var/lib/dialer --create-home dialer
COPY --from=build /opt/dialer /opt/dialer
ENV PATH=/opt/dialer/bin:$PATH PYTHONUNBUFFERED=1
USER dialer
WORKDIR /var/lib/dialer
VOLUME /var/lib/dialer
EXPOSE 5060/udp 5060/tcp 8080
ENTRYPOINT ["dialer"]
CMD ["serve", "--config", "/etc/dialer/dialer.toml"]
