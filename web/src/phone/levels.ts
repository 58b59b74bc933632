// How loud a stream is, while somebody looks.
import { onScopeDispose, type Ref, ref, watch } from "vue";

/** Shown as nothing at all; speech is some 40 dB above it. */
const FLOOR_DBFS = -60;
const FALL_PER_FRAME = 0.04;

let context: AudioContext | null = null;

function audio(): AudioContext {
  context ??= new AudioContext();
  if (context.state === "suspended") void context.resume();
  return context;
}

/** 0 to 1 of the loudest sample, on a scale of dB. */
export function loudness(samples: Float32Array): number {
  let peak = 0;
  for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
  const dbfs = peak > 0 ? 20 * Math.log10(peak) : FLOOR_DBFS;
  return Math.min(Math.max(1 - dbfs / FLOOR_DBFS, 0), 1);
}

/** The level of a stream, 0 to 1: up at once, down slowly. Nothing is measured while the page is not seen. */
export function useLevel(stream: Ref<MediaStream | null>): Ref<number> {
  const level = ref(0);
  let frame = 0;
  let source: MediaStreamAudioSourceNode | null = null;

  function stop(): void {
    cancelAnimationFrame(frame);
    source?.disconnect();
    source = null;
    level.value = 0;
  }

  function start(of: MediaStream): void {
    const analyser = audio().createAnalyser();
    analyser.fftSize = 512;
    source = audio().createMediaStreamSource(of);
    source.connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const step = (): void => {
      analyser.getFloatTimeDomainData(samples);
      level.value = Math.max(loudness(samples), level.value - FALL_PER_FRAME);
      frame = requestAnimationFrame(step);
    };
    step();
  }

  watch(
    stream,
    (now) => {
      stop();
      if (now !== null && now.getAudioTracks().length > 0) start(now);
    },
    { immediate: true },
  );
  onScopeDispose(stop);
  return level;
}
