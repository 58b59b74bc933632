import { describe, expect, it } from "vitest";
import { clock } from "@/components/times";

describe("clock", () => {
  it.each([
    [0, "0:00"],
    [59.9, "0:59"],
    [75, "1:15"],
    [3723, "1:02:03"],
    [-5, "0:00"],
  ])("says %s s as %s", (seconds, words) => {
    expect(clock(seconds)).toBe(words);
  });
});
