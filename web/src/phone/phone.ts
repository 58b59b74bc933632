// The phone in this browser: one for the whole app, whatever page is shown.
import { defineStore } from "pinia";
import { ref, watch } from "vue";
import { useSession } from "@/api/session";
import { choice, devices, hindrance, isAllowed, troubleOf, watchDevices } from "./devices";
import { Line, type LineEar } from "./line";
import type { LineStats, Trouble } from "./messages";
import { dropMicrophone, takeMicrophone } from "./microphone";
import { disown, isElsewhere, own } from "./ownership";
import { useSelfTest } from "./selfTest";
import { play, useSpeaker } from "./speaker";

/** Remembered per machine: where somebody works with a headset it is connected again after a reload. */
const WANTED = "phone.wanted";

export type Status = "off" | "asking" | "connecting" | "connected" | "lost" | "elsewhere" | "failed";

export const useBrowserPhone = defineStore("phone", () => {
  const status = ref<Status>("off");
  const trouble = ref<Trouble | null>(null);
  const stats = ref<LineStats | null>(null);
  let line: Line | null = null;

  const test = useSelfTest({
    echo: (on) => line?.echo(on) ?? false,
    measure: async () => (await line?.measure()) ?? null,
    latest: () => stats.value,
  });

  const ear: LineEar = {
    connected(is) {
      status.value = is ? "connected" : "lost";
      if (is) trouble.value = null;
      else stats.value = null;
    },
    stats: (latest) => (stats.value = latest),
    stream: (stream) => void play(stream),
    taken: () => leave("elsewhere"),
    trouble: (what) => (trouble.value = what),
    busy: () => test.stop(),
  };

  /** Connects; the browser asks for the microphone first, if it was not told yet. */
  async function connect(): Promise<void> {
    if (line !== null || status.value === "asking") return;
    const why = hindrance();
    if (why !== null) return leave("failed", why);
    status.value = "asking";
    try {
      line = new Line(await takeMicrophone(changeMicrophone), ear);
    } catch (error) {
      return leave("failed", troubleOf(error));
    }
    localStorage.setItem(WANTED, "yes");
    own();
    status.value = "connecting";
    trouble.value = null;
    line.open();
  }

  /** After a reload: connects by itself where somebody works with a headset, unless another page has it. */
  async function comeBack(): Promise<void> {
    if (line !== null || !isWantedHere()) return;
    if (await isElsewhere()) status.value = "elsewhere";
    else if (await isAllowed()) await connect();
  }

  function disconnect(): void {
    localStorage.removeItem(WANTED);
    leave("off");
  }

  function leave(after: Status, why: Trouble | null = null): void {
    test.stop();
    line?.close();
    line = null;
    disown();
    dropMicrophone();
    stats.value = null;
    void play(null);
    status.value = after;
    trouble.value = why;
  }

  /** The chosen microphone changed, or went away: the talk goes on with what there is. */
  async function changeMicrophone(): Promise<void> {
    if (line === null) return;
    try {
      await line.use(await takeMicrophone(changeMicrophone));
      trouble.value = null;
    } catch (error) {
      trouble.value = troubleOf(error);
    }
  }

  follow(changeMicrophone, { in: () => line?.resume(), out: () => leave("off"), ended: () => line?.rest() });
  return { status, trouble, stats, test, connect, comeBack, disconnect };
});

function isWantedHere(): boolean {
  return localStorage.getItem(WANTED) !== null && hindrance() === null;
}

/** Does what follows from other choices on this machine, and from logging in and out. */
function follow(changeMicrophone: () => Promise<void>, logged: Record<"in" | "out" | "ended", () => void>): void {
  const session = useSession();
  watch(() => [choice.microphone, choice.echoCancellation, choice.noiseSuppression], changeMicrophone);
  watch(() => devices.microphones.some((one) => one.id === choice.microphone), (isBack) => isBack && changeMicrophone());
  watch(() => [choice.speaker, devices.speakers], useSpeaker);
  watch(
    () => session.current,
    (now) => {
      if (now !== null) logged.in();
      else if (session.ended) logged.ended(); // a talk goes on
      else logged.out();
    },
  );
  if (hindrance() === null) watchDevices();
}
