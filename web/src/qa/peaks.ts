// The waveform as the service makes it: `GET /v1/recordings/{id}/peaks`, see recording/peaks.py for the layout.

export interface Peaks {
  /** For each channel, lowest and highest value of each bucket in turn, -1 to 1: what wavesurfer draws. */
  channels: number[][];
  bucketMs: number;
}

const MAGIC = "DLRPEAKS";
const FULL_SCALE = 128;

/** Throws when the bytes are no waveform of ours. */
export function readPeaks(bytes: ArrayBuffer): Peaks {
  const view = new DataView(bytes);
  const magic = String.fromCharCode(...new Uint8Array(bytes, 0, Math.min(MAGIC.length, bytes.byteLength)));
  if (magic !== MAGIC || view.getUint16(8, true) !== 1) throw new Error("this is no waveform");
  const [begin, rate] = [view.getUint16(10, true), view.getUint32(12, true)];
  const [bucketSamples, nChannels] = [view.getUint32(16, true), view.getUint16(20, true)];
  const channels: number[][] = Array.from({ length: nChannels }, () => []);
  const nBuckets = Math.floor((bytes.byteLength - begin) / (2 * nChannels));
  for (let bucket = 0; bucket < nBuckets; bucket++) {
    channels.forEach((channel, index) => {
      const at = begin + 2 * (bucket * nChannels + index);
      const [low, high] = [view.getInt8(at), view.getInt8(at + 1)];
      channel.push(Math.min(low, high) / FULL_SCALE, Math.max(low, high) / FULL_SCALE);
    });
  }
  return { channels, bucketMs: (bucketSamples / rate) * 1000 };
}
