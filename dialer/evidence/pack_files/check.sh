#!/bin/sh
# Checks this pack with public tools alone: sh, sha256sum, openssl (3 or later). CHECK.md says step by step what is done.
#
#   sh check.sh [--key KEY]... [--head CHAIN:SEQUENCE:HASH]... [--tsa CERTIFICATES.pem]
#
# KEY is the signing key the house published: its id (64 hex digits), or a PEM file with one or several.
# CHAIN:SEQUENCE:HASH is a head of its ledger that somebody noted.
# CERTIFICATES.pem are the time-stamping authority's, from itself; without them those in the pack are used.
#
# Exit code 0: all is well. 1: something is wrong, and said. 2: it could not be checked.
# 3: nothing is wrong with what is here, but what is missing for a full answer is said.

set -u
LC_ALL=C
export LC_ALL

say() { printf '%s\n' "$*"; }
stop() { say "CANNOT CHECK: $*"; exit 2; }
fault() { say "FAULT: $*"; : >"$tmp/fault"; }
open_end() { say "OPEN: $*"; : >"$tmp/open"; }

for tool in sha256sum openssl awk sed grep sort comm cut tr mktemp find date; do
    command -v "$tool" >/dev/null 2>&1 || stop "$tool is not installed"
done
case $(openssl version) in
    "OpenSSL "[3-9]*) ;;
    *) stop "openssl 3 or later is needed for Ed25519 signatures; this is $(openssl version)" ;;
esac
tmp=$(mktemp -d) || stop "no room for temporary files"
trap 'rm -rf "$tmp"' EXIT

usage="usage: sh check.sh [--key KEY]... [--head CHAIN:SEQUENCE:HASH]... [--tsa CERTIFICATES.pem]"
first_word() { say "${1%% *}"; }
key_id() { first_word "$(openssl pkey -pubin -in "$1" -outform DER 2>/dev/null | sha256sum)"; }
sha256_of() { first_word "$(sha256sum <"$1")"; }
absolute() { case $1 in /*) say "$1" ;; *) say "$PWD/$1" ;; esac; }

trust() {
    say "$1" | grep -Eq '^[0-9a-f]{64}$' || stop "--key: $2 is neither a PEM file with public keys nor 64 hex digits"
    say "$1" >>"$tmp/trusted"
}
trust_file() { # each key of the file by itself: openssl reads the first alone
    while read -r line; do
        case $line in "-----BEGIN PUBLIC KEY-----") : >"$tmp/one.pem" ;; esac
        say "$line" >>"$tmp/one.pem"
        case $line in "-----END PUBLIC KEY-----") trust "$(key_id "$tmp/one.pem")" "$1" ;; esac
    done <"$1"
    [ -s "$tmp/trusted" ] || trust "" "$1"
}

: >"$tmp/trusted"
: >"$tmp/noted"
tsa=""
while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || stop "$usage"
    case $1 in
        --key) if [ -f "$2" ]; then trust_file "$2"; else trust "$(say "$2" | tr 'A-F' 'a-f')" "$2"; fi ;;
        --head)
            say "$2" | grep -Eq '^.+:[0-9]+:[0-9a-f]{64}$' || stop "--head: $2 is not CHAIN:SEQUENCE:HASH"
            say "$2" >>"$tmp/noted"
            ;;
        --tsa)
            [ -f "$2" ] || stop "--tsa $2: there is no such file"
            tsa=$(absolute "$2")
            ;;
        *) stop "$usage" ;;
    esac
    shift 2
done
cd "$(dirname "$0")" || exit 2
[ -f SHA256SUMS ] || stop "SHA256SUMS is not here: unpack the whole pack into one folder"

# What an entry of the ledger says, in one line: place, kind, subject, SHA-256, that of its marks, the hash of its proof,
# when, chain; "-" for what it does not say. What is nested in the JSON has names of its own and is left out.
said_by() {
    awk '
    function text(name) {
        if (!match(outer, "\"" name "\":(\"[^\"]*\"|[0-9]+)")) return "-"
        found = substr(outer, RSTART + length(name) + 3, RLENGTH - length(name) - 3)
        gsub(/"/, "", found)
        return found == "" ? "-" : found
    }
    {
        proof = "-"
        if (match($0, /"proof":\{[^}]*\}/)) {
            proof = substr($0, RSTART, RLENGTH)
            sub(/.*"hash":"/, "", proof)
            sub(/".*/, "", proof)
        }
        depth = 0; quoted = 0; outer = ""
        for (i = 1; i <= length($0); i++) {
            c = substr($0, i, 1)
            if (quoted && c == "\\") c = c substr($0, ++i, 1)
            else if (c == "\"") quoted = !quoted
            else if (!quoted && (c == "{" || c == "[")) depth++
            if (depth == 1) outer = outer c
            if (!quoted && (c == "}" || c == "]")) depth--
        }
        print text("sequence"), text("kind"), text("subject"), text("sha256"), text("marks_sha256"), proof, text("at"), text("chain")
    }' "$1"
}
line_of() { sed -n "s/^$2: //p" "$1"; }

# 1. The pack is as it was made: every file has the sum in the list, and there are no others.
sha256sum --check --strict --quiet SHA256SUMS >"$tmp/sums" 2>/dev/null || {
    sed -n 's/: FAILED.*//p' "$tmp/sums" | while read -r file; do fault "$file is not the file that was packed, or is missing"; done
    [ -f "$tmp/fault" ] || fault "SHA256SUMS cannot be read"
}
sed 's/^[0-9a-f]*  //' SHA256SUMS | sort >"$tmp/listed"
find . -type f ! -path ./SHA256SUMS | sed 's|^\./||' | sort >"$tmp/found"
comm -13 "$tmp/listed" "$tmp/found" >"$tmp/strange"
while read -r file; do fault "$file was put in: it is not in the list of what was packed"; done <"$tmp/strange"
say "files: $(grep -c '' "$tmp/listed") listed"

# 2. Each run of the ledger leads to its head, the head is signed, the key is the house's, the stamp holds.
: >"$tmp/entries"
: >"$tmp/reached"
check_run() {
    run=$1
    chain=$(line_of "$run/chain.txt" chain)
    set -- $(line_of "$run/chain.txt" after)
    [ $# -eq 2 ] || { fault "$run/chain.txt does not say where it begins"; return; }
    place=$1
    hash=$2
    [ "$hash" != missing ] || fault "chain $chain: the entry $place, before the first one here, is gone from the ledger"
    sed -n '/^[0-9]/p' "$run/chain.txt" >"$tmp/run"
    while read -r next digest shown; do
        [ "$next" -eq $((place + 1)) ] || fault "chain $chain: after entry $place comes $next: entries are missing or moved"
        place=$next
        hash=$(printf '%s:%s' "$hash" "$digest" | sha256sum)
        hash=${hash%% *}
        [ ! -s "$tmp/noted" ] || say "$chain:$place:$hash" >>"$tmp/reached"
        [ -z "$shown" ] || check_entry "$run" "$chain" "$place" "$digest"
    done <"$tmp/run"
    for file in "$run"/entries/*; do
        [ -f "$file" ] || continue
        n=${file##*/}
        grep -q "^${n%.json} [0-9a-f]* shown\$" "$tmp/run" || fault "$file is no entry of this run"
    done
    check_head "$run" "$chain" "$place" "$hash"
}

check_entry() {
    file=$1/entries/$3.json
    [ -f "$file" ] || { fault "chain $2: the content of entry $3 is missing"; return; }
    [ "$(sha256_of "$file")" = "$4" ] || fault "$file is not what the chain holds there"
    said_by "$file" >"$tmp/entry"
    read -r at_place kind subject rest <"$tmp/entry"
    [ "$at_place" = "$3" ] && [ "${rest#* * * * }" = "$2" ] || fault "$file says that it stands elsewhere"
    say "$kind $subject $rest" >>"$tmp/entries"
}

check_head() {
    head=$1/head.txt
    if [ ! -f "$head" ]; then
        open_end "chain $2: entry $3 is not signed yet; a pack made a minute later has the signature"
        return
    fi
    [ "$(line_of "$head" chain)" = "$2" ] && [ "$(line_of "$head" sequence)" = "$3" ] && [ "$(line_of "$head" hash)" = "$4" ] ||
        fault "chain $2: the entries here do not lead to the signed head: one was changed, removed, put in or moved"
    id=$(line_of "$head" key)
    if [ ! -f "keys/$id.pem" ]; then
        fault "chain $2: the key $id that signed entry $3 is not in the pack"
        return
    fi
    [ "$(key_id "keys/$id.pem")" = "$id" ] || fault "keys/$id.pem is another key than its name says"
    openssl pkeyutl -verify -pubin -inkey "keys/$id.pem" -rawin -in "$head" -sigfile "$1/head.sig" >/dev/null 2>&1 ||
        fault "chain $2: the signature at entry $3 is not by the key it names, or what was signed was changed"
    say "$id" >>"$tmp/signers"
    when="no time stamp"
    [ ! -f "$1/head.tsr" ] || check_stamp "$1" "$2" "$3"
    say "chain $2: entries lead to the head at $3, signed $(line_of "$head" 'signed at'), $when"
}

check_stamp() {
    cat "$1/head.txt" "$1/head.sig" >"$tmp/stamped"
    when=$(openssl ts -reply -in "$1/head.tsr" -text 2>/dev/null | sed -n 's/^Time stamp: //p')
    certificates=${tsa:-tsa.pem}
    if [ ! -f "$certificates" ]; then
        open_end "chain $2: the time stamp at $3 ($when) was not checked; give the authority's certificates with --tsa"
        when="time stamp $when not checked"
        return
    fi
    at=$(date -u -d "$when" +%s 2>/dev/null) && at="-attime $at" || at=""
    # shellcheck disable=SC2086  # nothing, or two words
    if openssl ts -verify -data "$tmp/stamped" -in "$1/head.tsr" -CAfile "$certificates" -partial_chain $at >/dev/null 2>&1; then
        when="time stamp $when"
    else
        fault "chain $2: the time stamp at $3 does not hold for this head, or is by another authority"
    fi
}

: >"$tmp/signers"
for run in ledger/*; do
    [ -f "$run/chain.txt" ] && check_run "$run"
done

# 3. Every recording is the one in the ledger; of a deleted one there is a tombstone and no audio.
grep -E '^(recording|derived) ' "$tmp/entries" | cut -d ' ' -f 2 | sort -u >"$tmp/subjects"
grep '^tombstone ' "$tmp/entries" | cut -d ' ' -f 2 | sort -u >"$tmp/deleted"
while read -r id; do
    audio=recordings/$id.flac
    marks=recordings/$id.marks.json
    if grep -qx -- "$id" "$tmp/deleted"; then
        [ ! -f "$audio" ] || fault "$audio is here, though the ledger says that it was deleted"
        set -- $(grep "^tombstone $id " "$tmp/entries")
        say "recording $id: deleted $6; tombstone in the ledger"
    elif [ ! -f "$audio" ]; then
        fault "recording $id is in the ledger and not in the pack$(grep -s '' "recordings/$id.problem.txt" | sed 's/^/: /')"
    else
        set -- $(grep -E "^(recording|derived) $id " "$tmp/entries" | tail -n 1)
        if [ "$(sha256_of "$audio")" != "$3" ]; then
            fault "$audio is not the recording that was entered in the ledger"
        elif [ ! -f "$marks" ] || [ "$(sha256_of "$marks")" != "$4" ]; then
            fault "$marks is not what was entered in the ledger, or is missing"
        else
            say "recording $id: its SHA-256 is the one in the ledger"
        fi
    fi
done <"$tmp/subjects"
for audio in recordings/*.flac; do
    [ -f "$audio" ] || continue
    id=${audio#recordings/}
    grep -qx -- "${id%.flac}" "$tmp/subjects" || fault "$audio has no entry in the ledger"
done

# 4. Every proof of a call is the one its recording's entry names.
for file in proofs/*.json; do
    [ -f "$file" ] || continue
    name=${file#proofs/}
    [ "$(sha256_of "$file")" = "${name%.json}" ] || fault "$file is not the proof its name is the hash of"
done
grep -E '^(recording|derived) ' "$tmp/entries" | cut -d ' ' -f 2,5 | grep -v ' -$' | sort -u >"$tmp/proofs"
while read -r id proof; do
    if [ ! -f "proofs/$proof.json" ]; then
        fault "the proof of the call of recording $id is missing: proofs/$proof.json"
        continue
    fi
    first=$(sed -n 's/.*"first":"\([0-9a-f]*\)".*/\1/p' "proofs/$proof.json")
    [ -z "$first" ] || [ -f "proofs/$first.json" ] ||
        fault "the proof that the call of recording $id was allowed is missing: proofs/$first.json"
done <"$tmp/proofs"
say "proofs of calls: $(grep -c '' "$tmp/proofs") named by entries of the ledger"

# 5. Heads that were noted elsewhere are those of this ledger.
sed 's/:[0-9a-f]*$//' "$tmp/reached" >"$tmp/places"
while read -r noted; do
    place=${noted%:*}
    if grep -qxF -- "$noted" "$tmp/reached"; then
        say "noted head $place: it is the one of this ledger"
    elif grep -qxF -- "$place" "$tmp/places"; then
        fault "the ledger was made anew: at $place it has another hash than the one that was noted"
    else
        open_end "noted head $place: the runs in this pack do not touch it"
    fi
done <"$tmp/noted"

# 6. Whose key it is, only somebody outside of this pack can say.
sort -u "$tmp/signers" >"$tmp/keys"
while read -r id; do
    if [ ! -s "$tmp/trusted" ]; then
        open_end "compare the key with the one the house published, or give that with --key: $id"
    elif ! grep -qx "$id" "$tmp/trusted"; then
        fault "signed with another key than the house's: $id"
    fi
done <"$tmp/keys"
[ -s "$tmp/entries" ] || open_end "there is nothing of the ledger in this pack: it proves nothing"

if [ -f "$tmp/fault" ]; then
    say "SOMETHING IS WRONG: this pack is not what the ledger holds"
    exit 1
elif [ -f "$tmp/open" ]; then
    say "nothing is wrong with what is here; what is still open is said above"
    exit 3
fi
say "ALL IS WELL: what is here is what was entered in the ledger when its heads were signed"
