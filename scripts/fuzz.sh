#!/usr/bin/env bash
# Runs every fuzz target of the native parsers, SECONDS_EACH each (default 300), and prints executions and coverage.
# Needs a nightly toolchain (rustup toolchain install nightly) and cargo-fuzz (cargo install cargo-fuzz).
set -euo pipefail
cd "$(dirname "$0")/../native"
seconds=${SECONDS_EACH:-300}

command -v cargo-fuzz >/dev/null || { echo "!! cargo-fuzz is missing: cargo install cargo-fuzz" >&2; exit 1; }

targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cargo +nightly fuzz list)
for target in "${targets[@]}"; do
    log=$(mktemp)
    echo "== $target, $seconds s"
    if ! nice cargo +nightly fuzz run "$target" -- -max_total_time="$seconds" -print_final_stats=1 -timeout=10 >"$log" 2>&1; then
        tail -40 "$log" >&2
        echo "!! $target failed; the input is in native/fuzz/artifacts/$target (log: $log)" >&2
        exit 1
    fi
    grep -E 'stat::number_of_executed_units|stat::average_exec_per_sec' "$log"
    grep -oE 'cov: [0-9]+ ft: [0-9]+' "$log" | tail -1
    rm -f "$log"
done
