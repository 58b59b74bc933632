// Five seconds of hearing oneself, and what the line was like meanwhile: both directions, each measured where it ends.
import { ref } from "vue";
import type { Heard } from "./connection";
import type { LineStats } from "./messages";
import { type Quality, mosOf, worse } from "./quality";

const TEST_MS = 5000;
const STEP_MS = 100;

/** What the test needs of the phone. */
export interface Tested {
  echo(on: boolean): boolean;
  measure(): Promise<Heard | null>;
  latest(): LineStats | null;
}

export function useSelfTest(phone: Tested) {
  const running = ref(false);
  const done = ref(0);
  const result = ref<Quality | null>(null);
  const failed = ref(false);

  async function run(): Promise<void> {
    if (running.value) return;
    running.value = true;
    failed.value = false;
    result.value = null;
    try {
      result.value = await measured();
      failed.value = result.value === null;
    } finally {
      phone.echo(false);
      running.value = false;
      done.value = 0;
    }
  }

  async function measured(): Promise<Quality | null> {
    const before = await phone.measure();
    if (!phone.echo(true) || before === null) return null;
    for (let waited = 0; waited < TEST_MS && running.value; waited += STEP_MS) {
      done.value = waited / TEST_MS;
      await new Promise((resolve) => window.setTimeout(resolve, STEP_MS));
    }
    const after = await phone.measure();
    return running.value && after !== null ? qualityOf(before, after, phone.latest()) : null;
  }

  /** The service gives no echo now, or the line broke. */
  function stop(): void {
    running.value = false;
  }

  return { running, done, result, failed, run, stop };
}

/** What we heard between two looks, with what the service last measured of us. */
export function qualityOf(before: Heard, after: Heard, theirs: LineStats | null): Quality | null {
  const received = after.received - before.received;
  if (received <= 0) return null;
  const lost = Math.max(after.lost - before.lost, 0);
  const loss = lost / (lost + received);
  const roundTripMs = after.roundTripMs ?? theirs?.round_trip_ms ?? null;
  const mine = mosOf(roundTripMs ?? 0, loss, after.jitterMs);
  return {
    roundTripMs,
    loss: worse(loss, theirs?.loss ?? null),
    jitterMs: worse(after.jitterMs, theirs?.jitter_ms ?? null),
    mos: Math.min(mine, theirs?.mos ?? mine),
  };
}
