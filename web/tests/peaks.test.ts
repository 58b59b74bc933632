import { expect, it } from "vitest";
import { readPeaks } from "@/qa/peaks";

function header(nChannels: number): number[] {
  const magic = [..."DLRPEAKS"].map((letter) => letter.charCodeAt(0));
  return [...magic, 1, 0, 24, 0, 0x40, 0x1f, 0, 0, 160, 0, 0, 0, nChannels, 0, 0, 0];
}

it("reads both channels of a waveform", () => {
  const bytes = new Uint8Array([...header(2), 0x80, 0x7f, 0, 64, 0xc0, 0x40, 0, 0]);
  const peaks = readPeaks(bytes.buffer);
  expect(peaks.bucketMs).toBe(20);
  expect(peaks.channels).toEqual([
    [-1, 127 / 128, -0.5, 0.5],
    [0, 0.5, 0, 0],
  ]);
});

it("refuses other bytes", () => {
  expect(() => readPeaks(new Uint8Array(40).buffer)).toThrow("no waveform");
  expect(() => readPeaks(new ArrayBuffer(3))).toThrow("no waveform");
});
