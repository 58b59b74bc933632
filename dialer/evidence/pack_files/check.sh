#!/bin/sh
# Checks this pack with public tools alone: sh, sha256sum, openssl (3 or later). CHECK.md says step by step what is done.
#
#   sh check.sh [--key KEY] [--tsa CERTIFICATES.pem]
#
# KEY is the signing key the house published: its id (64 hex digits) or a PEM file; may be given several times.
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

for tool in sha256sum openssl sed grep sort comm mktemp find date; do
    command -v "$tool" >/dev/null 2>&1 || stop "$tool is not installed"
done
case $(openssl version) in
    "OpenSSL "[3-9]*) ;;
    *) stop "openssl 3 or later is needed for Ed25519 signatures; this is $(openssl version)" ;;
esac
tmp=$(mktemp -d) || stop "no room for temporary files"
trap 'rm -rf "$tmp"' EXIT

key_id() { openssl pkey -pubin -in "$1" -outform DER 2>/dev/null | sha256_of_input; }
sha256_of_input() { sha256sum | sed 's/ .*//'; }
sha256_of() { sha256sum <"$1" | sed 's/ .*//'; }
absolute() { case $1 in /*) say "$1" ;; *) say "$PWD/$1" ;; esac; }

: >"$tmp/trusted"
tsa=""
while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || stop "usage: sh check.sh [--key KEY] [--tsa CERTIFICATES.pem]"
    case $1 in
        --key)
            if [ -f "$2" ]; then
                id=$(key_id "$2")
            else
                id=$(say "$2" | tr 'A-F' 'a-f' | tr -d ':')
            fi
            say "$id" | grep -Eq '^[0-9a-f]{64}$' || stop "--key $2 is neither a PEM file nor 64 hex digits"
            say "$id" >>"$tmp/trusted"
            ;;
        --tsa)
            [ -f "$2" ] || stop "--tsa $2: there is no such file"
            tsa=$(absolute "$2")
            ;;
        *) stop "usage: sh check.sh [--key KEY] [--tsa CERTIFICATES.pem]" ;;
    esac
    shift 2
done
cd "$(dirname "$0")" || exit 2
[ -f SHA256SUMS ] || stop "SHA256SUMS is not here: unpack the whole pack into one folder"

# The first value of a name in a line of JSON as the dialer writes it: no spaces, quotes within a text are escaped.
text_of() { grep -o "\"$2\":\"[^\"]*\"" "$1" | head -n 1 | cut -d '"' -f 4; }
number_of() { grep -o "\"$2\":[0-9]*" "$1" | head -n 1 | cut -d : -f 2; }
line_of() { sed -n "s/^$2: //p" "$1" | head -n 1; }

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
    proof=$(grep -o '"proof":{[^}]*}' "$file" | grep -o '"hash":"[0-9a-f]*"' | cut -d '"' -f 4)
    sed 's/:{[^{}]*}/:0/g' "$file" >"$tmp/entry" # what is nested has names of its own
    [ "$(text_of "$tmp/entry" chain)" = "$2" ] && [ "$(number_of "$tmp/entry" sequence)" = "$3" ] ||
        fault "$file says that it stands elsewhere"
    for name in kind subject sha256; do printf '%s ' "$(text_of "$tmp/entry" "$name")"; done >>"$tmp/entries"
    say "${proof:--} $(text_of "$tmp/entry" at)" >>"$tmp/entries"
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
    if grep -qx -- "$id" "$tmp/deleted"; then
        [ ! -f "$audio" ] || fault "$audio is here, though the ledger says that it was deleted"
        say "recording $id: deleted $(grep "^tombstone $id " "$tmp/entries" | tail -n 1 | cut -d ' ' -f 5); tombstone in the ledger"
    elif [ ! -f "$audio" ]; then
        fault "recording $id is in the ledger and not in the pack$(grep -s '' "recordings/$id.problem.txt" | sed 's/^/: /')"
    elif [ "$(sha256_of "$audio")" = "$(grep -E "^(recording|derived) $id " "$tmp/entries" | tail -n 1 | cut -d ' ' -f 3)" ]; then
        say "recording $id: its SHA-256 is the one in the ledger"
    else
        fault "$audio is not the recording that was entered in the ledger"
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
grep -E '^(recording|derived) ' "$tmp/entries" | cut -d ' ' -f 2,4 | grep -v ' -$' | sort -u >"$tmp/proofs"
while read -r id proof; do
    if [ ! -f "proofs/$proof.json" ]; then
        fault "the proof of the call of recording $id is missing: proofs/$proof.json"
        continue
    fi
    first=$(text_of "proofs/$proof.json" first)
    [ -z "$first" ] || [ -f "proofs/$first.json" ] ||
        fault "the proof that the call of recording $id was allowed is missing: proofs/$first.json"
done <"$tmp/proofs"
say "proofs of calls: $(grep -c '' "$tmp/proofs") named by entries of the ledger"

# 5. Whose key it is, only somebody outside of this pack can say.
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
