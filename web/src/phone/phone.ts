// The phone in this browser: one for the whole app, whatever page is shown.
import { defineStore } from "pinia";
import { computed, ref, watch } from "vue";
import { useSession } from "@/api/session";
import { choice, type Device, devices, hindrance, isAllowed, troubleOf, watchDevices } from "./devices";
import { Line, type LineEar } from "./line";
import type { LineStats, Trouble } from "./messages";
import { dropMicrophone, isLive, takeMicrophone } from "./microphone";
import { disown, isElsewhere, own } from "./ownership";
import { useSelfTest } from "./selfTest";
import { play, useSpeaker } from "./speaker";

/** Remembered per machine: where somebody works with a headset it is connected again after a reload. */
const WANTED = "phone.wanted";

export type Status = "off" | "asking" | "connecting" | "connected" | "lost" | "elsewhere" | "failed";

export const useBrowserPhone = defineStore("phone", () => {
  const status = ref<Status>("off");
  /** Of the microphone and of the line: a line that comes back says nothing of the microphone. */
  const micTrouble = ref<Trouble | null>(null);
  const lineTrouble = ref<Trouble | null>(null);
  const trouble = computed(() => micTrouble.value ?? lineTrouble.value);
  /** The line is there, but nobody is heard on it. */
  const micLost = ref(false);
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
      if (is) lineTrouble.value = null;
      else stats.value = null;
    },
    stats: (latest) => (stats.value = latest),
    stream: (stream) => void play(stream),
    taken: () => leave("elsewhere"),
    trouble: (what) => (lineTrouble.value = what),
    busy: () => test.stop(),
  };

  /** Connects, or opens a lost microphone again; the browser asks for it first, if it was not told yet. */
  async function connect(): Promise<void> {
    if (line !== null) return micLost.value ? changeMicrophone() : undefined;
    if (status.value === "asking") return;
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
    heardAgain();
    lineTrouble.value = null;
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
    heardAgain();
    lineTrouble.value = why;
  }

  function heardAgain(): void {
    micTrouble.value = null;
    micLost.value = false;
  }

  /** The chosen microphone changed, or went away: the talk goes on with what there is. */
  async function changeMicrophone(): Promise<void> {
    if (line === null) return;
    const mine = line;
    try {
      await mine.use(await takeMicrophone(changeMicrophone));
      if (line === mine) heardAgain();
      else if (line === null) dropMicrophone(); // disconnected while the browser opened it
    } catch (error) {
      if (line !== mine) return;
      micTrouble.value = troubleOf(error);
      micLost.value = !isLive();
    }
  }

  follow(changeMicrophone, () => micLost.value, { in: () => line?.resume(), out: () => leave("off"), ended: () => line?.rest() });
  return { status, trouble, micLost, stats, test, connect, comeBack, disconnect };
});

function isWantedHere(): boolean {
  return localStorage.getItem(WANTED) !== null && hindrance() === null;
}

/** Does what follows from other choices on this machine, and from logging in and out. */
function follow(
  changeMicrophone: () => Promise<void>,
  isLost: () => boolean,
  logged: Record<"in" | "out" | "ended", () => void>,
): void {
  const session = useSession();
  watch(() => [choice.microphone, choice.echoCancellation, choice.noiseSuppression], changeMicrophone);
  watch(
    () => devices.microphones, // a new list whenever something is plugged in or out
    (now, before) => {
      const isChosen = (one: Device): boolean => one.id === choice.microphone;
      if (isLost() || (now.some(isChosen) && !before.some(isChosen))) void changeMicrophone();
    },
  );
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
