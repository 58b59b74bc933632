import { describe, expect, it } from "vitest";
import { troubleOf } from "@/phone/devices";
import { loudness } from "@/phone/levels";
import en from "@/phone/locales/en";
import zh from "@/phone/locales/zh";
import { adviceOf, mosOf, verdictOf, worse } from "@/phone/quality";
import { qualityOf } from "@/phone/selfTest";

function keysOf(words: object, before = ""): string[] {
  return Object.entries(words).flatMap(([key, value]) =>
    typeof value === "string" ? [before + key] : keysOf(value as object, `${before}${key}.`),
  );
}

describe("the quality of a line", () => {
  it("is that of the E-model", () => {
    expect(mosOf(0, 0, 0)).toBeCloseTo(4.38, 1);
    expect(mosOf(20, 0.05, 5)).toBeLessThan(mosOf(20, 0.01, 5));
    expect(mosOf(900, 0, 0)).toBeLessThan(3.6);
    expect(mosOf(20, 1, 0)).toBeLessThan(1.5);
  });
  it("comes in three words, with what to do", () => {
    const line = { roundTripMs: 20, loss: 0, jitterMs: 2, mos: 4.3 };
    expect(verdictOf(line)).toBe("good");
    expect(adviceOf(line)).toEqual([]);
    expect(verdictOf({ ...line, roundTripMs: 350 })).toBe("usable");
    expect(verdictOf({ ...line, mos: 3.7 })).toBe("usable");
    expect(verdictOf({ ...line, mos: 3.2 })).toBe("bad");
    expect(verdictOf({ ...line, mos: null })).toBeNull();
    expect(adviceOf({ roundTripMs: 400, loss: 0.1, jitterMs: 50, mos: 2 })).toEqual(["loss", "jitter", "distance"]);
    expect([worse(null, 2), worse(1, null), worse(1, 2), worse(null, null)]).toEqual([2, 1, 2, null]);
  });
});

describe("a self-test", () => {
  const before = { roundTripMs: null, received: 100, lost: 0, jitterMs: 1 };
  const theirs = { type: "stats", round_trip_ms: 80, loss: 0.02, jitter_ms: 9, remote_loss: null, remote_jitter_ms: null, mos: 4 } as const;

  it("tells the worse direction", () => {
    const told = qualityOf(before, { roundTripMs: 12, received: 340, lost: 10, jitterMs: 2 }, theirs);
    expect(told).toMatchObject({ roundTripMs: 12, loss: 0.04, jitterMs: 9 });
    expect(told?.mos).toBeLessThan(4);
  });
  it("has nothing to tell when nothing came", () => {
    expect(qualityOf(before, before, theirs)).toBeNull();
  });
});

describe("levels", () => {
  it("go from silence to full scale in dB", () => {
    expect(loudness(new Float32Array(8))).toBe(0);
    expect(loudness(Float32Array.of(0, -1))).toBe(1);
    expect(loudness(Float32Array.of(0.001))).toBeCloseTo(0);
    expect(loudness(Float32Array.of(0.1))).toBeCloseTo(2 / 3);
  });
});

describe("troubles", () => {
  it("are told apart by what to do", () => {
    const named = (name: string) => troubleOf(new DOMException("", name));
    expect(["NotAllowedError", "NotFoundError", "NotReadableError", "TypeError"].map(named)).toEqual([
      "denied",
      "noMicrophone",
      "microphoneBusy",
      "microphoneFailed",
    ]);
  });
  it("have words in both languages", () => {
    expect(keysOf(zh)).toEqual(keysOf(en));
  });
});
