// How good a line is, in words.

export interface Quality {
  roundTripMs: number | null;
  /** 0 to 1, the worse of both directions. */
  loss: number | null;
  jitterMs: number | null;
  mos: number | null;
}

export type Verdict = "good" | "usable" | "bad";
export type Advice = "distance" | "loss" | "jitter";

/** Below these many users are dissatisfied, or nearly all (ITU-T G.107, Annex B). */
const GOOD_MOS = 4.03;
const USABLE_MOS = 3.6;
/** Above these people begin to speak at the same time (ITU-T G.114), or words are missing. */
const LONG_TRIP_MS = 300;
const MUCH_LOSS = 0.02;
const MUCH_JITTER_MS = 30;
/** Packet, jitter buffer and sound card, one way. */
const FIXED_DELAY_MS = 60;

/** MOS of G.711 with concealment (E-model: ITU-T G.107 §7, Bpl of G.113 Appendix I). */
export function mosOf(roundTripMs: number, loss: number, jitterMs: number): number {
  const delay = roundTripMs / 2 + 2 * jitterMs + FIXED_DELAY_MS;
  const impairment = 0.024 * delay + (delay > 177.3 ? 0.11 * (delay - 177.3) : 0);
  const percent = loss * 100;
  const r = Math.min(Math.max(93.2 - impairment - (95 * percent) / (percent + 25.1), 0), 100);
  return 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6;
}

export function verdictOf(quality: Quality): Verdict | null {
  if (quality.mos === null) return null;
  if (quality.mos < USABLE_MOS) return "bad";
  const isGood = quality.mos >= GOOD_MOS && (quality.roundTripMs ?? 0) <= LONG_TRIP_MS;
  return isGood ? "good" : "usable";
}

/** What is wrong, worst first for the ear; nothing when the line is good. */
export function adviceOf(quality: Quality): Advice[] {
  const advice: Advice[] = [];
  if ((quality.loss ?? 0) > MUCH_LOSS) advice.push("loss");
  if ((quality.jitterMs ?? 0) > MUCH_JITTER_MS) advice.push("jitter");
  if ((quality.roundTripMs ?? 0) > LONG_TRIP_MS) advice.push("distance");
  return advice;
}

/** The worse of two figures that may be missing. */
export function worse(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.max(one, other);
}
